"""What the jump box leads to: a workflow, a prep id, a site, an exit code, or a list of what it may have meant."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from wwt_framework.model import NOT_REPORTED
from wwt_framework.snapshot import Snapshot

LIMIT = 40  # candidates of each kind
LONGEST = 400  # characters that are looked at

_NOT_REPORTED = frozenset({"-1", "notreported", "not reported", "n.r.", "nr"})


@dataclass(frozen=True)
class Match:
    """Something that a text may mean."""

    kind: str  # workflow, prep id, site, exit code
    name: str
    words: str = ""  # what is known of it, in a few words


@dataclass(frozen=True)
class Found:
    """What a text means. ``exact``: it is just this; else ``candidates`` of each kind, at most LIMIT."""

    text: str
    exact: Match | None
    candidates: tuple[Match, ...] = ()
    more: int = 0  # candidates beyond these


class _Index:
    """Names that can be searched by any part, whatever the case."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        lowered = [name.lower() for name in names]
        self.text = "\n".join(lowered)
        self.starts = [0, *accumulate(len(name) + 1 for name in lowered)]
        self.at = {name: i for i, name in reversed(list(enumerate(lowered)))}

    def exact(self, part: str) -> str | None:
        """The name that is *part*; where several differ only in case, the one spelt alike."""
        where = self.at.get(part.lower())
        if where is None:
            return None
        same = [name for name in self._holding(part.lower()) if name.lower() == part.lower()] or [self.names[where]]
        return part if part in same else self.names[where]

    def _holding(self, part: str) -> Iterator[str]:
        at = self.text.find(part)
        while at >= 0:
            row = bisect_right(self.starts, at) - 1
            yield self.names[row]
            at = self.text.find(part, self.starts[row + 1])

    def holding(self, part: str) -> list[str]:
        """Names with *part* in them, those that begin with it first."""
        part = part.lower()
        return sorted(self._holding(part), key=lambda name: not name.lower().startswith(part))


def find(snapshot: Snapshot, text: str) -> Found:
    """What *text* may mean in *snapshot*."""
    wanted = " ".join(text.split())[:LONGEST]
    if not wanted:
        return Found("", None)
    kinds = _indices(snapshot)
    exact = _code(snapshot, wanted) or _workflow_of_path(kinds["workflow"], wanted)
    for kind, index in kinds.items():
        if exact is None and (name := index.exact(wanted)) is not None:
            exact = Match(kind, name)
    if exact is not None:
        return Found(wanted, exact)
    matches: list[Match] = []
    more = 0
    for kind, index in kinds.items():
        names = index.holding(wanted)
        matches += [Match(kind, name) for name in names[:LIMIT]]
        more += max(0, len(names) - LIMIT)
    codes = _codes_meaning(snapshot, wanted)
    matches += codes[:LIMIT]
    more += max(0, len(codes) - LIMIT)
    return Found(wanted, matches[0] if len(matches) == 1 else None, tuple(matches), more)


def _indices(snapshot: Snapshot) -> dict[str, _Index]:
    """Made once per snapshot."""

    def make() -> dict[str, _Index]:
        sites = sorted({*snapshot.cube.sites, *snapshot.site_statuses()})
        return {
            "workflow": _Index(list(snapshot.cube.workflows)),
            "prep id": _Index(list(snapshot.preps)),
            "site": _Index(sites),
        }

    return snapshot.remember("finder", make)


def _workflow_of_path(workflows: _Index, text: str) -> Match | None:
    """The workflow in a task path, ``/workflow/task/...``."""
    if not text.startswith("/"):
        return None
    name = workflows.exact(text.split("/")[1])
    return Match("workflow", name) if name is not None else None


def _code(snapshot: Snapshot, text: str) -> Match | None:
    if text.lower() in _NOT_REPORTED:
        return _code_match(snapshot, NOT_REPORTED)
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return None
    code = int(text)
    if code in snapshot.exit_codes or code in snapshot.cube.codes:
        return _code_match(snapshot, code)
    return None


def _codes_meaning(snapshot: Snapshot, text: str) -> list[Match]:
    """Codes that begin with *text*, or in whose meaning it stands."""
    low = text.lower()
    codes = sorted({*map(int, snapshot.cube.codes), *snapshot.exit_codes})
    return [
        _code_match(snapshot, code)
        for code in codes
        if str(code).startswith(low)
        or ((known := snapshot.exit_codes.get(code)) and low in f"{known.short}\n{known.meaning}".lower())
    ]


def _code_match(snapshot: Snapshot, code: int) -> Match:
    known = snapshot.exit_codes.get(code)
    if code == NOT_REPORTED:
        return Match("exit code", str(code), known.short if known else "not reported")
    return Match("exit code", str(code), known.short if known else "")
