"""`/procedures`: every procedure with its source, what is wrong with files, what is missing, what contradicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.model import User
from wwt_framework.plugin import Field, Reply, Snapshot, Visit

from .coverage import Conflict, Gap, conflicts, gaps
from .library import Library, Listed, Shelf
from .table import COLUMNS, as_csv, condition_words, parameter_words, rows


@dataclass(frozen=True)
class Shown:
    """One procedure as the page shows it."""

    listed: Listed
    conditions: tuple[str, ...]
    parameters: str
    jobs: int  # failed jobs of the snapshot with its exit codes

    @classmethod
    def of(cls, listed: Listed, totals: Any) -> Shown:
        jobs = sum(totals.get(code, (0, 0))[0] for code in set(listed.procedure.codes))
        return cls(listed, tuple(condition_words(listed.procedure.when)), parameter_words(listed), jobs)


@dataclass(frozen=True)
class Listing:
    """The page."""

    shown: tuple[Shown, ...]
    total: int
    codes: int
    problems: tuple[str, ...]
    gaps: tuple[Gap, ...]
    conflicts: tuple[Conflict, ...]
    frequent_jobs: int
    taken_at: datetime
    known: bool  # whether there is a snapshot at all
    kinds: tuple[str, ...]  # of actions, to choose from
    search: str
    code: str
    kind: str
    origin: str  # shipped, own, or "" for both


class ProceduresPage:
    """Answers `/procedures`, also as JSON and CSV."""

    def __init__(self, shelf: Shelf, frequent_jobs: int) -> None:
        self._shelf = shelf
        self._frequent_jobs = frequent_jobs

    def show(self, visit: Visit, _user: User, snapshot: Snapshot) -> Reply:
        """What procedures there are, and what is wrong with them."""
        library = self._shelf.library()
        asked = {name: _one(visit, name) for name in ("search", "code", "kind", "origin", "format")}
        if asked["format"] == "csv":
            headers = {"Content-Disposition": 'attachment; filename="procedures.csv"'}
            return Reply(body=as_csv(library).encode(), content_type="text/csv; charset=utf-8", headers=headers)
        totals = snapshot.exit_code_totals()
        missing = gaps(library, totals, self._frequent_jobs)
        if asked["format"]:
            return Reply(json=_plain(library, missing))
        kept = [one for one in library.listed if all(fits(one, asked) for fits in _FILTERS)]
        kinds = sorted({one.procedure.action.kind for one in library.listed if one.procedure.action})
        listing = Listing(
            tuple(Shown.of(one, totals) for one in sorted(kept, key=lambda one: min(one.procedure.codes))),
            len(library.listed), len(library.by_code), library.problems, tuple(missing), tuple(conflicts(library)),
            self._frequent_jobs, snapshot.taken_at, bool(totals), tuple(kinds),
            asked["search"], asked["code"], asked["kind"], asked["origin"],
        )  # fmt: skip
        return Reply("procedures.html", {"page": listing})


def _one(visit: Visit, name: str) -> str:
    value = visit.query.get(name, "")
    return (value if isinstance(value, str) else value[-1]).strip()[:200]


def _searched(one: Listed, asked: dict[str, str]) -> bool:
    told = one.procedure
    texts = (told.id, told.title, told.cause, told.normal, told.additional, one.source, one.author, one.file)
    return asked["search"].lower() in " ".join(texts).lower()


def _of_code(one: Listed, asked: dict[str, str]) -> bool:
    return not asked["code"] or asked["code"] in map(str, one.procedure.codes)


def _of_kind(one: Listed, asked: dict[str, str]) -> bool:
    kind = one.procedure.action.kind if one.procedure.action else "none"
    return asked["kind"] in ("", kind)


def _of_origin(one: Listed, asked: dict[str, str]) -> bool:
    return asked["origin"] not in ("shipped", "own") or (asked["origin"] == "shipped") == one.shipped


_FILTERS: tuple[Callable[[Listed, dict[str, str]], bool], ...] = (_searched, _of_code, _of_kind, _of_origin)


#: What the page reads of the address, and the shape of `_plain`.
ASKS = (Field("format", "format", "choice", ("json", "csv"), required=True),)
PLAIN = {
    "procedures": [COLUMNS], "problems": [str], "without_procedure": [{"code": int, "jobs": int, "workflows": int}],
    "contradictions": [{"codes": [int], "first": str, "second": str, "words": str}],
}  # fmt: skip


def _plain(library: Library, missing: list[Gap]) -> dict[str, Any]:
    """The page as JSON."""
    return {
        "procedures": [dict(zip(COLUMNS, row, strict=True)) for row in rows(library)],
        "problems": list(library.problems),
        "without_procedure": [{"code": g.code, "jobs": g.jobs, "workflows": g.workflows} for g in missing],
        "contradictions": [
            {"codes": list(c.codes), "first": c.first.id, "second": c.second.id, "words": c.words}
            for c in conflicts(library)
        ],
    }
