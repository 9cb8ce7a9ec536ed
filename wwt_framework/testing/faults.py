"""The bad days of the grid's services: what an answer becomes, and what becomes of a connection.

Every one of these was seen in production (docs/troubleshooting.md: what is said of them).
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

#: Faults of the transport: the server does these itself.
TRANSPORT = ("time out", "drip", "500", "503", "cut off", "sign-in page", "redirect", "wrong certificate")


def _numbers_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers_as_text(inner) for inner in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


#: The states of jobs under which jobdetail has cells; other answers have none of these words at that depth.
_STATES = frozenset(
    {"jobfailed", "submitfailed", "jobcooloff", "submitcooloff", "createfailed", "jobpaused", "success"}
)


def _in_cells(answer: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """*answer* of jobdetail with *change* made to every ``{exit code: {site: cell}}``; others stay as they are."""
    for entry in answer.get("result", ()) if isinstance(answer, dict) else ():
        for tasks in entry.values() if isinstance(entry, dict) else ():
            for states in tasks.values() if isinstance(tasks, dict) else ():
                for state, codes in states.items() if isinstance(states, dict) else ():
                    if state in _STATES and isinstance(codes, dict):
                        states[state] = change(codes)
    return answer


def _null_sites(answer: Any) -> Any:
    return _in_cells(
        answer, lambda codes: {code: {"null": next(iter(sites.values()))} for code, sites in codes.items()}
    )


def _code_zero(answer: Any) -> Any:
    return _in_cells(answer, lambda codes: {"0": next(iter(codes.values()))} if codes else codes)


def _long_texts(answer: Any) -> Any:
    def change(codes: dict[str, Any]) -> dict[str, Any]:
        for sites in codes.values():
            for cell in sites.values():
                for sample in cell.get("samples", ()):
                    for errors in sample.get("errors", {}).values():
                        for error in errors:
                            error["details"] = "x" * 1_000_000
                            return codes
        return codes

    return _in_cells(answer, change)


def _repeated_documents(answer: Any) -> Any:
    return {**answer, "rows": answer["rows"] * 20} if isinstance(answer, dict) and "rows" in answer else answer


def _empty_documents(answer: Any) -> Any:
    for row in answer.get("rows", ()) if isinstance(answer, dict) else ():
        row["doc"]["files"] = {}
    return answer


def _more_failed_jobs(answer: Any) -> Any:
    """WMStats counts more failed jobs than its details tell."""
    for entry in answer.get("result", ()) if isinstance(answer, dict) else ():
        for request in entry.values() if isinstance(entry, dict) else ():
            agents = request.get("AgentJobInfo") if isinstance(request, dict) else None
            for agent in (agents or {}).values():
                failure = agent.setdefault("status", {}).setdefault("failure", {})
                failure["exception"] = failure.get("exception", 0) + 29
    return answer


#: Faults of the content: name -> what the answer becomes.
CONTENT: dict[str, Callable[[bytes], bytes]] = {
    "empty result": lambda body: b'{"rows": []}' if b'"rows"' in body else b'{"result": []}',
    "{}": lambda _: b"{}",
    "[]": lambda _: b"[]",
    "no JSON": lambda body: body[: len(body) // 2],
    "not UTF-8": lambda body: (
        body.replace(b"exception", b"exc\xff\xfeption").replace(b'"rows"', b'"ro\xffws"')
        if b"exception" in body or b'"rows"' in body
        else body + b"\xff"
    ),
}

_CHANGES: dict[str, Callable[[Any], Any]] = {
    "numbers as text": _numbers_as_text,
    "null sites": _null_sites,
    "exit code 0": _code_zero,
    "1 MB texts": _long_texts,
    "repeated documents": _repeated_documents,
    "empty documents": _empty_documents,
    "more failed jobs": _more_failed_jobs,
}
CONTENT.update(
    {
        name: lambda body, change=change: json.dumps(change(json.loads(body))).encode()  # type: ignore[misc]
        for name, change in _CHANGES.items()
    }
)

#: Those that leave an answer which is true, only written in another way.
HARMLESS = frozenset({"numbers as text", "1 MB texts", "repeated documents"})

ALL = (*TRANSPORT, *CONTENT)


def mood_words(text: str) -> tuple[str, str, float]:
    """(fault, part of an address, share) of words like ``503``, ``503@jobdetail`` or ``20%``.

    ``503``: every answer gets it; ``503@jobdetail``: those whose address contains that;
    ``20%``: so many answers get one of all faults, by chance, and the fault is "" here.
    Raises ValueError that says what was expected.
    """
    word = text.strip()
    if word.endswith("%"):
        share = word[:-1]
        if not share.isdecimal() or int(share) > 100:
            raise ValueError(f"expected a share from 0% to 100%, got {word!r}")
        return "", "", int(share) / 100
    fault, _, part = word.partition("@")
    if fault not in ALL:
        raise ValueError(f"expected a share like 20%, or one of {', '.join(ALL)}; got {fault!r}")
    return fault, part, 0.0


class Mood:
    """Decides which fault an address gets: one that was asked for, else one at random, else none."""

    def __init__(self, seed: int = 0) -> None:
        self.given: Counter[str] = Counter()  # fault -> answers that got it
        self._chance = random.Random(seed)
        self._rate = 0.0
        self._some: tuple[str, ...] = ()
        self._asked: list[tuple[str, str]] = []

    def misbehave(self, part: str, fault: str) -> None:
        """From now on every address that contains *part* gets *fault*, the last one asked for first."""
        if fault not in ALL:
            raise ValueError(f"expected one of {', '.join(ALL)}; got {fault!r}")
        self._asked.insert(0, (part, fault))

    def at_random(self, rate: float, faults: tuple[str, ...] = ALL) -> None:
        """From now on a share *rate* (0..1) of all answers gets one of *faults*."""
        self._rate, self._some = rate, faults

    def become(self, lines: Iterable[str]) -> None:
        """What *lines* say and nothing else, see ``mood_words``; none of it when one of them can not be read."""
        told = [mood_words(line) for line in lines]
        self.behave()
        for fault, part, share in told:
            if fault:
                self.misbehave(part, fault)
            else:
                self.at_random(share)

    def behave(self) -> None:
        """All is well again."""
        self._asked.clear()
        self._rate = 0.0

    def of(self, address: str) -> str:
        """The fault of this answer; "" for none."""
        fault = next((fault for part, fault in self._asked if part in address), "")
        if not fault and self._rate and self._chance.random() < self._rate:
            fault = self._chance.choice(self._some)
        if fault:
            self.given[fault] += 1
        return fault
