"""What sources say of errors, joined: columns in, columns out, no loop over cells.

One source's word is a ``SourceErrors``: the workflows it answered for, how far each answer can be trusted,
and the cells. Answers that could not be had or read are filled from the same source's last good ones;
then sources are put one after the other, and the first one's count of a cell is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.services.cells import Cells, no_indices, no_numbers, stacked
from wwt_framework.snapshot import OK, OLD, PARTIAL, UNKNOWN

# What is known of one workflow's answer; they add up.
LOWER = 1  # the source says that its counts are lower bounds
TORN = 2  # a part could not be read and there was nothing earlier: lower bounds, and no last good data for later
KEPT = 4  # an earlier answer of this source
SILENT = 8  # asked, and never answered


def _no_flags() -> Array:
    return np.zeros(0, np.uint8)


@dataclass(frozen=True, eq=False)
class SourceErrors:
    """One source's word on the errors of ``workflows``; row *i* of ``at`` and ``flags`` is ``workflows[i]``."""

    workflows: tuple[str, ...] = ()  # sorted
    at: Array = field(default_factory=no_numbers)  # seconds since 1970 UTC
    flags: Array = field(default_factory=_no_flags)  # uint8
    notes: Mapping[str, str] = field(default_factory=dict)
    cells: Cells = field(default_factory=Cells)
    task_workflow: Array = field(default_factory=no_indices)  # (n_tasks,): index into workflows

    def good(self) -> set[str]:
        """The workflows whose answer is fit to stand in for a later one that fails."""
        return {self.workflows[i] for i in np.flatnonzero((self.flags & (TORN | SILENT)) == 0).tolist()}

    def only(self, wanted: Collection[str]) -> SourceErrors:
        """The word on the workflows among *wanted*."""
        return self._where(np.fromiter((name in wanted for name in self.workflows), bool, len(self.workflows)))

    def without(self, unwanted: Collection[str]) -> SourceErrors:
        """The word on all other workflows."""
        return self._where(np.fromiter((name not in unwanted for name in self.workflows), bool, len(self.workflows)))

    def kept(self) -> SourceErrors:
        """The same, marked as an earlier answer."""
        return replace(self, flags=self.flags | np.uint8(KEPT))

    def _where(self, wanted: Array) -> SourceErrors:
        if wanted.all():
            return self
        workflows = tuple(self.workflows[i] for i in np.flatnonzero(wanted).tolist())
        names = set(workflows)
        tasks = wanted[self.task_workflow]
        rank = np.cumsum(wanted, dtype=np.int32) - np.int32(1)
        return SourceErrors(
            workflows, self.at[wanted], self.flags[wanted], {w: note for w, note in self.notes.items() if w in names},
            self.cells.of_tasks(tasks), rank[self.task_workflow[tasks]],
        )  # fmt: skip


def _word(workflows: Sequence[str], at: Array, flags: Array, notes: Mapping[str, str], cells: Cells) -> SourceErrors:
    position = {name: i for i, name in enumerate(workflows)}
    owners = np.fromiter(map(position.__getitem__, cells.owners), np.int32, len(cells.tasks))
    return SourceErrors(tuple(workflows), at, flags, notes, cells, owners)


def answered(cells: Cells, also: Iterable[str], at: datetime, partial: Mapping[str, str] | None = None) -> SourceErrors:
    """The word of a source that gave *cells* and named the workflows *also*: those it knows to be without errors.

    *partial*: workflow -> why its counts are lower bounds.
    """
    partial = dict(partial or {})
    workflows = sorted({*cells.owners, *also, *partial})
    flags = np.fromiter((LOWER if name in partial else 0 for name in workflows), np.uint8, len(workflows))
    return _word(workflows, np.full(len(workflows), int(at.timestamp()), np.int64), flags, partial, cells)


def silent(why: Mapping[str, str]) -> SourceErrors:
    """The word of a source that was asked about the workflows of *why* and never answered."""
    n = len(why)
    return SourceErrors(tuple(sorted(why)), np.zeros(n, np.int64), np.full(n, SILENT, np.uint8), dict(why))


def joined(*parts: SourceErrors) -> SourceErrors:
    """The words of one source on different workflows, as one; no workflow may be in two of *parts*."""
    parts = tuple(part for part in parts if part.workflows)
    if len(parts) < 2:
        return parts[0] if parts else SourceErrors()
    names = [name for part in parts for name in part.workflows]
    order = sorted(range(len(names)), key=names.__getitem__)
    return _word(
        [names[i] for i in order],
        np.concatenate([part.at for part in parts])[order], np.concatenate([part.flags for part in parts])[order],
        {name: note for part in parts for name, note in part.notes.items()},
        stacked([part.cells for part in parts]),
    )  # fmt: skip


def with_last_good(new: SourceErrors, old: SourceErrors, unread: Mapping[str, str]) -> SourceErrors:
    """*new*, where the workflows of *unread* (name -> why) are as they last were.

    Without a last good answer, what could be read stays and is a lower bound;
    a workflow of which nothing could be read is one that never answered.
    """
    if not unread:
        return new
    good = old.good() & unread.keys()
    torn = unread.keys() - good
    rest = new.without(good)
    has_cells = np.zeros(len(rest.workflows), bool)
    has_cells[rest.task_workflow[rest.cells.task]] = True
    mark = np.where(has_cells, np.uint8(TORN), np.uint8(SILENT))
    is_torn = np.fromiter((name in torn for name in rest.workflows), bool, len(rest.workflows))
    rest = replace(
        rest,
        flags=rest.flags | np.where(is_torn, mark, np.uint8(0)),
        notes={**rest.notes, **{w: unread[w] for w in torn}},
    )
    earlier = old.only(good)
    earlier = replace(earlier, notes={**earlier.notes, **{w: unread[w] for w in good}}).kept()
    return joined(rest, earlier, silent({w: unread[w] for w in torn.difference(rest.workflows)}))


def exchanged(old: SourceErrors, new: SourceErrors, names: Collection[str]) -> SourceErrors:
    """*old*, where the workflows in *names* are as in *new*."""
    return joined(old.without(names), new.only(names))


@dataclass(frozen=True)
class Combined:
    """All sources together. A workflow that no source was asked about is not in it."""

    cells: Cells
    workflows: tuple[str, ...]  # sorted
    state: Array  # uint8, OK OLD PARTIAL UNKNOWN
    at: Array  # int64, seconds: of the oldest answer that counts; the end of int64 where there is none
    notes: Mapping[str, list[tuple[str, str]]]  # workflow -> (plugin, note)


def combined(words: Sequence[tuple[str, SourceErrors]]) -> Combined:
    """Put the sources one after the other, (plugin, word); the first count of a cell comes first.

    A workflow is PARTIAL when one source's counts are lower bounds or one source never answered while another did,
    OLD when one of the answers is an earlier one, UNKNOWN when nobody ever answered.
    """
    workflows = tuple(sorted({name for _, word in words for name in word.workflows}))
    position = {name: i for i, name in enumerate(workflows)}
    flags = np.zeros(len(workflows), np.uint8)
    heard = np.zeros(len(workflows), bool)
    at = np.full(len(workflows), np.iinfo(np.int64).max)
    notes: dict[str, list[tuple[str, str]]] = {}
    for plugin, word in words:
        where = np.fromiter(map(position.__getitem__, word.workflows), np.int64, len(word.workflows))
        flags[where] |= word.flags
        spoke = (word.flags & SILENT) == 0
        heard[where] |= spoke
        at[where[spoke]] = np.minimum(at[where[spoke]], word.at[spoke])
        for name, note in word.notes.items():
            notes.setdefault(name, []).append((plugin, note))
    state = np.where(flags & KEPT, OLD, OK)
    state = np.where(flags & (LOWER | TORN | SILENT), PARTIAL, state)
    state = np.where(heard, state, UNKNOWN).astype(np.uint8)
    return Combined(stacked([word.cells for _, word in words]), workflows, state, at, notes)
