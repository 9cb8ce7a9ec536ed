"""Which workflows an operator picked, by name, and why each is among them: frozen before anything is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from wwt_framework.errors import WwtError
from wwt_framework.services.caselines import total_of
from wwt_framework.services.listing import listing
from wwt_framework.services.overview_query import MOST, OverviewQuery
from wwt_framework.services.selection import select
from wwt_framework.snapshot import Snapshot

#: Workflows that one form takes.
MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Picked:
    """Names in the order in which they will be shown; ``why``: workflow -> why it is among them."""

    why: dict[str, str]
    source: str  # how they were chosen, in words

    @property
    def workflows(self) -> tuple[str, ...]:
        return tuple(self.why)


def ticked(snapshot: Snapshot, workflows: Iterable[str], preps: Iterable[str]) -> Picked:
    """*workflows*, and those of the prep ids *preps* that have failed jobs; the most failed jobs first.

    Names that are not in the snapshot stay: the preview says what is missing.
    """
    totals = snapshot.cube.workflow_total
    why = dict.fromkeys(workflows, "ticked")
    for prep in dict.fromkeys(preps):
        index = snapshot.preps.find(prep)
        members = snapshot.prep_workflows(index).tolist() if index >= 0 else []
        for member in members:
            if totals[member]:
                why.setdefault(snapshot.cube.workflows[member], f"has failed jobs, and its PrepID {prep} was ticked")
    ordered = sorted(why, key=lambda name: -_total(snapshot, name))
    return _bounded({name: why[name] for name in ordered}, "ticked one by one")


def matching(snapshot: Snapshot, query: OverviewQuery) -> Picked:
    """Every workflow with failed jobs that the filters of the overview leave, the most failed jobs first."""
    totals = select(snapshot, query).totals
    found = np.flatnonzero(totals)
    found = found[np.argsort(-totals[found], kind="stable")]
    words = _filter_words(query)
    _check(len(found))
    names = snapshot.cube.workflows.take(found)
    why = {
        name: f"matches {words}: {n:,} failed jobs"
        for name, n in zip(names, totals[found].tolist(), strict=True)
    }  # fmt: skip
    return _bounded(why, f"every workflow that matches {words}")


def listed(snapshot: Snapshot, query: OverviewQuery, code: int | None, site: str, workflow: str) -> Picked:
    """Every workflow of the list behind a number: with *code* at *site*, or of the prep id *workflow*."""
    if (code is not None) + bool(site) + bool(workflow) != 2:
        raise WwtError("A list has exactly two of exit code, site and workflow; open it anew, and choose there.")
    found = listing(snapshot, {}, code=code, site=site, workflow=workflow, query=query, size=MOST)
    if found.of != "workflow":
        raise WwtError(f"This list is of {found.of}s, not of workflows; tick workflows on another page.")
    _check(found.count)
    words = f"exit code {found.code_label} at {site}"
    if query.is_filtered:
        words = f"{words} and {_filter_words(query)}"
    why = {entry.name: f"{entry.errors:,} failed jobs with {words}" for entry in found.entries}
    return _bounded(why, f"every workflow with {words}")


def alike(workflow: str, others: Mapping[str, str]) -> Picked:
    """*workflow*, and *others*: workflow -> why it is like it."""
    return _bounded({workflow: "the workflow itself", **others}, f"workflows like {workflow}, ticked one by one")


def group(snapshot: Snapshot, members: Iterable[str], name: str) -> Picked:
    """All *members* of the group called *name* that are there, the most failed jobs first."""
    why = {member: f"in the group {name}" for member in members if _total(snapshot, member) >= 0}
    return _bounded(why, f"the group {name}")


def family(snapshot: Snapshot, workflow: str) -> Picked:
    """*workflow* and those of its prep id that have failed jobs."""
    why = {workflow: "the workflow itself"}
    for relative in snapshot.family(workflow):
        if _total(snapshot, relative.name):
            why[relative.name] = f"has failed jobs, and the same PrepID {relative.prep_id}"
    return _bounded(why, f"the family of {workflow}")


def _total(snapshot: Snapshot, name: str) -> int:
    index = snapshot.cube.workflows.find(name)
    return total_of(snapshot, index) if index >= 0 else -1


def _filter_words(query: OverviewQuery) -> str:
    """The filters of *query*: "code 8028 or 85, site T2_US_Purdue, at least 10 errors"."""
    values: dict[str, list[str]] = {}
    for name, value in query.filters():
        values.setdefault(name, []).append(value)
    values.pop("zero", None)
    least = values.pop("minimum", None)
    words = [f"{name} {' or '.join(map(_value, several))}" for name, several in values.items()]
    words += [f"at least {least[0]} errors"] if least else []
    return ", ".join(words) or "the overview without any filter"


def _value(text: str) -> str:
    return text or "not known"


def _check(count: int) -> None:
    if count > MOST_AT_ONCE:
        raise WwtError(
            f"{count:,} workflows match; one form takes {MOST_AT_ONCE:,} at most. "
            "Narrow the choice by a filter, by exit code and site for example."
        )


def _bounded(why: dict[str, str], source: str) -> Picked:
    _check(len(why))
    return Picked(why, source)
