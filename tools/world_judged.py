"""What no table tells about the made-up grid: which causes may stand behind an exit code, and the shapes of task trees.

Judged from the procedures that operators follow, and from the texts of the codes.
"""

from __future__ import annotations

CAUSES = (
    "site-outage", "missing-file", "corrupt-file", "memory", "wall-time", "configuration", "stage-out", "agent",
    "transient",
)  # fmt: skip

_O, _M, _C, _R, _W, _K, _S, _A, _T = range(9)


def _row(**shares: float) -> tuple[float, ...]:
    row = [0.0] * 9
    for letter, share in shares.items():
        row["OMCRWKSAT".index(letter)] = share
    total = sum(row)
    return tuple(round(v / total, 4) for v in row)


#: Exit code -> how likely each of CAUSES is behind it when the configuration is right; 0: all the others.
AFFINITY: dict[int, tuple[float, ...]] = {
    **dict.fromkeys((8028, 92), _row(M=0.55, O=0.2, T=0.25)),
    **dict.fromkeys((84, 8020), _row(M=0.7, O=0.1, T=0.2)),
    **dict.fromkeys((8021, 85), _row(C=0.45, M=0.1, O=0.2, T=0.25)),
    **dict.fromkeys((8022, 8023, 8003, 8016, 8026, 8027, 8033, 70452), _row(C=0.6, T=0.4)),
    **dict.fromkeys((8004,), _row(R=0.7, T=0.3)),
    **dict.fromkeys((137,), _row(R=0.5, O=0.3, T=0.2)),
    **dict.fromkeys((50660, 50661), _row(R=0.85, T=0.15)),
    **dict.fromkeys((50664,), _row(W=0.6, O=0.1, T=0.3)),
    **dict.fromkeys((71304,), _row(W=0.5, A=0.2, O=0.3)),
    **dict.fromkeys((71305,), _row(O=0.3, W=0.15, A=0.35, T=0.2)),
    **dict.fromkeys((71302, 71102, 71104, 71101, 71103, 71303), _row(A=0.6, O=0.4)),
    **dict.fromkeys((99303,), _row(O=0.45, A=0.2, R=0.1, T=0.25)),
    **dict.fromkeys((99305, 99400, 99401, 11003), _row(A=0.5, O=0.3, T=0.2)),
    **dict.fromkeys((50513,), _row(O=0.6, T=0.4)),
    **dict.fromkeys((139, 134, 50115), _row(T=0.5, C=0.3, R=0.2)),
    **dict.fromkeys((8001, 8002), _row(T=0.5, C=0.25, R=0.25)),
    **dict.fromkeys((60450,), _row(S=0.4, T=0.6)),
    **dict.fromkeys((60307, 60311, 60405, 99109, 86), _row(S=0.65, O=0.2, T=0.15)),
    **dict.fromkeys((61202,), _row(A=0.5, O=0.5)),
    **dict.fromkeys((73,), _row(M=1.0)),
    0: _row(T=0.7, O=0.2, A=0.1),
}

#: Exit codes that a bad configuration makes.
CONFIGURATION = (
    73, 61202, 60450, 139, 134, 8001, 8002, 71305, 53, 71302, 71102, 71, 137, 80, 8009, 8006, 8501, 7002, 50115, 50660,
    50664, 71104, 8004, 99303,
)  # fmt: skip

#: Exit code of the years until 2019-02 -> the one of 2019-06 that is most like it (WMCore 9009).
ANALOG = {
    92: 8028, 84: 8028, 85: 8021, 139: 50115, 134: 50115, 132: 50115, 133: 50115, 135: 50115, 136: 50115, 143: 50115,
    137: 50660, 50661: 50660, 80: 8001, 73: 8001, 53: 8001, 70: 8001, 71: 8001, 8003: 8023, 8026: 8023, 86: 99109,
    61202: 71104, 71102: 71104, 71103: 71104, 99305: 99303, 76: 8001, 87: 8021, 91: 8021, 93: 8021, 97: 8001, 1: 99303,
    75: 8001, 50110: 50115, 50111: 50115, 99999: 50115, 60405: 99109, 70318: 70452, 11001: 11003, 71303: 71304,
    8012: 8001,
}  # fmt: skip

#: Task trees: type of task, output that a Merge merges, and whether the task begins a new request of the chain.
#: A Processing that is not new is the second step of the same request (PREP_1 after PREP_0).
CHAINS: dict[str, list[list[str]]] = {
    "generated": [
        ["Production", "", "new"], ["Processing", "", "new"], ["Processing", "", "same"],
        ["Merge", "AODSIMoutput", ""], ["Processing", "", "new"], ["Merge", "MINIAODSIMoutput", ""],
        ["Processing", "", "new"], ["Merge", "NANOEDMAODSIMoutput", ""],
    ],
    "merged": [
        ["Production", "", "new"], ["Merge", "RAWSIMoutput", ""], ["Processing", "", "new"],
        ["Processing", "", "same"], ["Merge", "AODSIMoutput", ""], ["Processing", "", "new"],
        ["Merge", "MINIAODSIMoutput", ""],
    ],
    "reduced": [
        ["Processing", "", "new"], ["Merge", "MINIAODSIMoutput", ""], ["Processing", "", "new"],
        ["Merge", "NANOEDMAODSIMoutput", ""],
    ],
    "data": [
        ["Processing", "", "data"], ["Merge", "AODoutput", "data"], ["Merge", "MINIAODoutput", "data"],
        ["Merge", "DQMoutput", "data"],
    ],
}  # fmt: skip

#: How likely each task of a tree is among those that fail.
SLOT_WEIGHTS: dict[str, list[float]] = {
    "generated": [1.0, 0.81, 0.27, 0.02, 0.045, 0.012, 0.01, 0.003],
    "merged": [1.0, 0.65, 1.35, 1.9, 0.15, 0.27, 0.03],
    "reduced": [1.0, 0.03, 0.02, 0.01],
    "data": [1.0, 0.4, 0.4, 0.2],
}
