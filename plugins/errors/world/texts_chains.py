"""Which errors a failed job reports beside the one that gives its exit code, and how often.

Shares counted from 8,869 job reports of 2019-06-24; for what agents said before February 2019 from the
115,935 sequences of error types of the same years. A chain is the order in which the steps are reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from .texts_scene import Scene

#: Stands for the exit code of the job, and for the message that some agents give as a type.
MAIN = -2
RUN = "Error running cmsRun"


class Link(NamedTuple):
    """One error: in which step of the job, of which type, with which code."""

    step: str
    error_type: str
    exit_code: int


Chain = tuple[Link, ...]

_LOST = Link("stageOut1", "ReportManipulatingError", 99996)
_LOST_LOG = Link("logArch1", "ReportManipulatingError", 99996)
_NO_ARCHIVE = Link("logArch1", "LogArchiveFailure", 60307)
_FATAL = Link("cmsRun1", "Fatal Exception", MAIN)
_ENDED = (Link("cmsRun1", RUN, MAIN), Link("cmsRun1", "WMAgentStepExecutionError", MAIN))
_KILL = Link("PerformanceError", "PerformanceKill", MAIN)
_BAD_XML = Link("cmsRun1", "BadFWJRXML", 50115)
_HELD = Link("cmsRun1", "ErrorLoggingAddition", 99999)
_STAGE_OUT = (
    Link("stageOut1", "Misc. StageOut error: 99109\n", 99109),
    Link("stageOut1", "WMAgentStepExecutionError", 99109),
)
_NO_REPORT = (
    _LOST,
    Link("cmsRun1", "CMSSWStepFailure", 0),
    Link("cmsRun1", "MissingErrorReport", 50116),
    Link("cmsRun1", "WMAgentStepExecutionError", 0),
)


def _fatal(times: int = 1, *before: Link) -> Chain:
    return (_LOST, *before, *(_FATAL,) * times, *_ENDED)


def _signal(signal: int) -> Chain:
    """A step that a signal ended: its report is cut off."""
    stopped = Link("cmsRun1", "CMSSWStepFailure", signal)
    return (_LOST, _BAD_XML, stopped, _HELD, Link("cmsRun1", "WMAgentStepExecutionError", signal))


def _read_error(code: int, times: int = 1) -> Chain:
    fatal = Link("cmsRun1", "Fatal Exception", code)
    return (_LOST, *(fatal,) * times, Link("cmsRun1", RUN, code), Link("cmsRun1", "WMAgentStepExecutionError", code))


def _alone(step: str, error_type: str) -> tuple[tuple[float, Chain], ...]:
    return ((1.0, (Link(step, error_type, MAIN),)),)


_FATALS = (
    (0.957, _fatal()),
    (0.013, _fatal(1, _NO_ARCHIVE)),
    (0.012, _fatal(2)),
    (0.01, _fatal(3)),
    (0.008, _fatal(4)),
)

#: exit code -> (share, chain)
_TABLE: dict[int, Sequence[tuple[float, Chain]]] = {
    8028: ((0.976, _fatal()), (0.01, _fatal(2)), (0.006, _fatal(1, _NO_ARCHIVE)), (0.008, _fatal(3))),
    8021: (
        (0.70, _fatal()), (0.133, _fatal(2)), (0.04, _fatal(3)), (0.031, _fatal(4)), (0.022, _fatal(5)),
        (0.016, _fatal(6)), (0.02, _fatal(7)), (0.022, _fatal(8)), (0.016, _fatal(12)),
    ),
    8001: ((0.955, _fatal()), (0.013, _fatal(1, _NO_ARCHIVE)), (0.008, _fatal(4)), (0.024, _fatal(3))),
    8023: ((1.0, _fatal()),),
    8501: ((1.0, _fatal()),),
    8009: ((1.0, _fatal()),),
    8016: ((1.0, _fatal()),),
    8004: ((0.05, _fatal()), (0.15, _fatal(2)), (0.2, _fatal(3)), (0.2, _fatal(5)), (0.2, _fatal(6)), (0.2, _fatal(8))),
    50664: (
        (0.845, (_KILL, *_signal(143))), (0.05, (_KILL,)), (0.021, (_KILL, *_NO_REPORT)),
        (0.025, (_KILL, *_signal(134))), (0.021, (_KILL, *_read_error(8501))), (0.02, (_KILL, *_signal(139))),
        (0.018, (_KILL, *_read_error(8021))),
    ),
    50660: (
        (0.455, (_KILL,)), (0.388, (_KILL, *_signal(143))), (0.117, (_KILL, *_NO_REPORT)), (0.016, (_KILL, *_signal(139))),
        (0.014, (_KILL, *_read_error(8021, 2))), (0.004, (_KILL, *_signal(137))), (0.006, (_KILL, *_STAGE_OUT)),
    ),
    50661: ((0.5, (_KILL,)), (0.5, (_KILL, *_signal(143)))),
    50115: (
        (0.594, _signal(139)), (0.171, _signal(134)),
        (0.143, (_LOST, _BAD_XML, Link("cmsRun1", "CMSException", 8001), Link("cmsRun1", "WMAgentStepExecutionError", 65))),
        (0.03, _signal(137)), (0.012, _signal(92)), (0.01, _signal(135)), (0.02, _signal(97)), (0.02, _signal(85)),
    ),
    50116: ((0.9, _NO_REPORT), (0.1, (_LOST, _NO_ARCHIVE, *_NO_REPORT[1:]))),
    99109: (
        (0.735, _STAGE_OUT), (0.195, (*_STAGE_OUT, _NO_ARCHIVE)), (0.055, (*_STAGE_OUT, _LOST_LOG)),
        (0.015, (*_STAGE_OUT, Link("logArch1", "LogArchiveFailure", 60405))),
    ),
    60450: ((0.99, (_LOST, Link("cmsRun1", "NoOutput", MAIN))), (0.01, (_LOST, _NO_ARCHIVE, Link("cmsRun1", "NoOutput", MAIN)))),
    60451: ((1.0, (_LOST, Link("cmsRun1", "NoAdler32Checksum", MAIN))),),
    70452: ((0.9, (_LOST, Link("cmsRun1", "NoRunLumiInformation", MAIN))), (0.1, (_LOST, _NO_ARCHIVE, Link("cmsRun1", "NoRunLumiInformation", MAIN)))),
    50110: ((1.0, (_LOST, Link("cmsRun1", "ExecutableNotFound", MAIN), Link("cmsRun1", "WMAgentStepExecutionError", 127))),),
    50111: ((1.0, (_LOST, Link("cmsRun1", "ExecutableBadPermissions", MAIN), Link("cmsRun1", "WMAgentStepExecutionError", 126))),),
    50513: ((1.0, (_LOST, Link("cmsRun1", "SCRAMScriptFailure", MAIN), Link("cmsRun1", "WMAgentStepExecutionError", MAIN))),),
    60307: _alone("logArch1", "LogArchiveFailure"),
    60405: _alone("logArch1", "LogArchiveFailure"),
    60311: ((1.0, (Link("stageOut1", "StageOutFailure", MAIN), Link("stageOut1", "WMAgentStepExecutionError", MAIN))),),
    99996: ((1.0, (Link("stageOut1", "ReportManipulatingError", MAIN),) * 3),),
    99999: ((1.0, (Link("stageOut1", "ReportManipulatingError", MAIN),) * 2),),
    99303: _alone("NoJobReport", "NoJobReport"),
    99401: _alone("NoJobReport", "NoJobReport"),
    99400: _alone("RemovedByGLIDEIN", "RemovedByGLIDEIN"),
    99305: _alone("CreationFailure", "CreationFailure"),
    61202: _alone("JobSubmit", "CondorError"),
    11001: _alone("CRITICAL", "BootstrapError"),
    11003: _alone("CRITICAL", "JobExtractionError"),
    70318: _alone("upload1", "DQMUploadFailure"),
}  # fmt: skip

#: Shell codes that stand for a code of CMSSW: what a shell keeps of it. Reported until February 2019.
SHELL = {
    53: 8501, 65: 8001, 66: 8002, 67: 8003, 68: 8004, 70: 8006, 71: 8007, 73: 8009, 75: 8011, 76: 8012, 80: 8016,
    84: 8020, 85: 8021, 86: 8022, 87: 8023, 90: 7002, 91: 8027, 92: 8028, 93: 8029, 97: 8033,
}  # fmt: skip


def _shell(code: int) -> Sequence[tuple[float, Chain]]:
    stopped = Link("cmsRun1", "CMSSWStepFailure", code)
    ended = Link("cmsRun1", "WMAgentStepExecutionError", code)
    fatal = Link("cmsRun1", "Fatal Exception", SHELL[code])
    return (
        (0.735, (_LOST, stopped, fatal, _HELD, ended)), (0.234, (_LOST, stopped, fatal, _HELD)),
        (0.011, (_LOST, stopped, fatal, fatal, _HELD, ended)), (0.01, (_LOST, _NO_ARCHIVE, stopped, fatal, _HELD, ended)),
        (0.01, (_LOST, _NO_ARCHIVE, stopped, fatal, _HELD)),
    )  # fmt: skip


def _stopped(code: int) -> Sequence[tuple[float, Chain]]:
    """A program that ended with *code*, by a signal or of its own."""
    stopped, ended = Link("cmsRun1", "CMSSWStepFailure", code), Link("cmsRun1", "WMAgentStepExecutionError", code)
    if code > 128:
        return ((0.84, (_LOST, stopped, _BAD_XML, _HELD, ended)), (0.16, (_LOST, stopped, _BAD_XML, _HELD)))
    return (
        (0.6, (_LOST, stopped, _HELD, ended)),
        (0.4, (_LOST, stopped, Link("cmsRun1", "MissingJobReport", 50115), ended)),
    )


def chains(code: int, old_words: bool = False) -> Sequence[tuple[float, Chain]]:
    """(share, chain) of the jobs that end with *code*; ``MAIN`` in a chain stands for *code*."""
    found = _TABLE.get(code)
    if found is None and code == 84 and not old_words:
        found = _alone("cmsRun1", "99997")
    if found is None:
        found = _shell(code) if code in SHELL else _by_range(code)
    return found


def _by_range(code: int) -> Sequence[tuple[float, Chain]]:
    if 7000 <= code < 9000:
        return _FATALS
    if 71300 <= code < 71400:
        return _alone("JobKilled", "JobKilled")
    return _alone("JobSubmit", "SubmitFailed") if 71100 <= code < 71200 else _stopped(code)


def chain_of(scene: Scene, rng: Random) -> Chain:
    """The errors of one job, without their texts."""
    found = chains(scene.exit_code, scene.old_words)
    (chain,) = rng.choices([chain for _, chain in found], [share for share, _ in found])
    return tuple(link._replace(exit_code=scene.exit_code) if link.exit_code == MAIN else link for link in chain)


#: Share of cells of which a message was kept, in the history of what operators acted on. The rest: nearly all.
_KEPT_MESSAGES = {
    61202: 0.0, 71303: 0.0, 99305: 0.0, 50116: 0.0, 71302: 0.02, 71304: 0.02, 71305: 0.06, 99303: 0.71, 84: 0.8,
    99400: 0.9, 1: 0.9,
}  # fmt: skip


def message_share(code: int, acted_on: bool) -> float:
    """The share of cells with *code* that have a message, 0..1.

    *acted_on*: in the history of what operators acted on; what runs has a message everywhere.
    """
    if not acted_on:
        return 1.0
    if 71100 <= code < 71200:
        return 0.0
    return _KEPT_MESSAGES.get(code, 0.985)
