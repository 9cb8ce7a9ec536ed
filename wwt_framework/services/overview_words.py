"""What one outermost page of the overview is made of, and the words beside numbers: names, readiness, meanings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np

from wwt_framework.model import NOT_REPORTED, Readiness, SiteStatus
from wwt_framework.services.overview_cells import Cell
from wwt_framework.services.overview_query import TIERS, OverviewQuery
from wwt_framework.services.selection import Selection, vocabulary
from wwt_framework.snapshot import UNKNOWN_TIME, Snapshot

#: Workflow name -> "pending" or "acted"; others have no action.
Marks = Mapping[str, str]


@dataclass(frozen=True)
class Column:
    """One column of the matrix."""

    key: str  # site name, exit code as text; "" for the folded ones
    label: str
    meaning: str = ""  # of an exit code, in five words; of folded columns how many
    colour: str = ""  # readiness of a site: green, yellow, red, none
    readiness: str = ""  # the same in words
    production: str = ""  # enabled, drain, ...
    total: int = 0
    folded: int = 0  # how many sites or codes stand behind it; 0 for an ordinary column
    samples: tuple[tuple[str, int], ...] = ()  # what most of its jobs said, with these jobs


@dataclass(frozen=True)
class Row:
    """One row of the matrix, or of the list."""

    level: int  # 0 is outermost
    kind: str  # prep, workflow, task, code
    name: str  # what addresses carry
    label: str  # what is read
    parent: str  # name of the workflow of a task, of the prep id of a workflow; ""
    total: int
    cells: tuple[Cell, ...] = ()
    mark: str = "none"  # none, pending, acted; of a prep id: what all of its workflows with errors are at least
    workflows: int = 0  # of a prep id: those left with errors; of a workflow: its tasks with errors
    state: str = "ok"  # ok, old, partial (a lower bound), unknown
    at: datetime | None = None  # of when the numbers are, where that is not when the snapshot was taken
    asked: datetime | None = None  # request date; of a prep id the newest
    open: bool | None = None  # None: there is nothing to unfold
    more: int = 0  # rows below it that are not shown
    meaning: str = ""


@dataclass(frozen=True)
class Choice:
    """One value of a filter, and the failed jobs that choosing it alone would leave."""

    value: str
    label: str
    jobs: int
    chosen: bool


@dataclass(frozen=True)
class Part:
    """One value of the third variable, by rank."""

    key: str
    label: str
    total: int


def code_words(snapshot: Snapshot, code: int) -> tuple[str, str]:
    """How an exit code is written, and what it means in five words ("" when nobody told)."""
    known = snapshot.exit_codes.get(code)
    if code == NOT_REPORTED:
        return "n.r.", known.short if known else "not reported by any agent"
    return str(code), known.short if known else ""


def site_words(status: SiteStatus | None) -> tuple[str, str, str]:
    """Readiness colour, readiness in words, production status in words."""
    if status is None:
        return Readiness.NONE.colour, Readiness.NONE.value, "unknown"
    return status.readiness.colour, status.readiness.value, status.production


def moment(seconds: int) -> datetime | None:
    """A column's seconds as a time; None where no source told."""
    return None if seconds == UNKNOWN_TIME else datetime.fromtimestamp(seconds, timezone.utc)


def combined_mark(marks: list[str]) -> str:
    """What a group is at least: acted when all are, pending when all are one or the other, else none."""
    if not marks or "none" in marks:
        return "none"
    return "pending" if "pending" in marks else "acted"


def column_of_site(snapshot: Snapshot, site: str, total: int) -> Column:
    """A site as a column."""
    colour, readiness, production = site_words(snapshot.sites.get(site))
    return Column(site, site, "", colour, readiness, production, total, samples=snapshot.samples("site", site))


def column_of_code(snapshot: Snapshot, code: int, total: int) -> Column:
    """An exit code as a column."""
    label, meaning = code_words(snapshot, code)
    return Column(str(code), label, meaning, total=total, samples=snapshot.samples("code", str(code)))


#: Choices shown of a filter, those with most failed jobs; the chosen ones are always among them.
_MOST_CHOICES = 200


def choices_of(selection: Selection, query: OverviewQuery) -> dict[str, list[Choice]]:
    """Filter -> its choices, the largest first, each with the failed jobs behind it."""
    snapshot = selection.snapshot
    cube = snapshot.cube
    codes = [str(code) for code in cube.codes.tolist()]
    labels = [" ".join(filter(None, code_words(snapshot, code))) for code in cube.codes.tolist()]
    words: dict[str, tuple[list[str], list[str]]] = {
        "site": (list(cube.sites), list(cube.sites)),
        "code": (codes, labels),
        "tier": (list(TIERS), [*TIERS[:-1], "other"]),
    }
    for name in ("campaign", "type", "status"):
        values = list(vocabulary(snapshot, name)[1])
        words[name] = (values, [value or "not known" for value in values])
    found = {}
    for name, (values, shown) in words.items():
        chosen = {str(value) for value in getattr(query, name)}
        found[name] = _choices(values, shown, selection.facets[name], chosen)
    return found


def _choices(values: list[str], labels: list[str], jobs: Any, chosen: set[str]) -> list[Choice]:
    order = np.argsort(-jobs, kind="stable").tolist()
    told = [i for i in order if jobs[i] or values[i] in chosen]
    shown = [i for at, i in enumerate(told) if at < _MOST_CHOICES or values[i] in chosen]
    found = [Choice(values[i], labels[i], int(jobs[i]), values[i] in chosen) for i in shown]
    gone = sorted(chosen - set(values))  # chosen, but nothing of this snapshot is so: it can be taken back
    return [*found, *(Choice(value, value or "not known", 0, True) for value in gone)]
