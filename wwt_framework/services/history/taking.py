"""Taking a look into the history: what it tells anew is merged, what it tells again is only dated.

Workflows are taken in part by part, each part in a transaction of its own: whoever ends the process in the middle
leaves every workflow whole, and taking the same look in again does the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.services.history.days import day_of_look
from wwt_framework.services.history.look import Look, Part, parts
from wwt_framework.services.history.packing import CELL, DAY, WORKFLOW_DAY, joined, merged, pack, unpack
from wwt_framework.store import Store
from wwt_framework.store.ledger import history as kept
from wwt_framework.store.ledger.history import PastCells, PastWorkflow

#: Cells in one transaction: operators who write something wait for less than a second.
PART = 100_000


@dataclass(frozen=True)
class Taken:
    """What taking in a look came to."""

    workflows: int  # that the look tells of
    changed: int  # of which anything was new
    new: int  # that were never seen before

    @property
    def text(self) -> str:
        """In one line."""
        return f"history: {self.workflows:,} workflows seen, {self.changed:,} changed, {self.new:,} of them new"


def take_in(store: Store, look: Look) -> Taken:
    """Merge *look* into the history. Taking in the same looks in another order, or twice, comes to the same."""
    numbers = kept.number_sites(store, {*look.cube.sites, *look.statuses})
    seen = changed = new = 0
    for part in parts(look, numbers.__getitem__, PART):
        with store.write(alone="history"):
            mine = _take_part(store, part)
        seen, changed, new = seen + len(part.names), changed + mine[0], new + mine[1]
    if look.whole:
        kept.keep_day(store, day_of_look(look, numbers))
    return Taken(seen, changed, new)


def _take_part(store: Store, part: Part) -> tuple[int, int]:
    """How many workflows changed, and how many of them were never seen before."""
    known = kept.past_workflows(store, part.keys)
    dated: dict[int, list[int]] = {}  # seen at -> numbers of workflows of which nothing else is new
    rows: list[PastWorkflow] = []
    fresh: list[int] = []
    for i, key in enumerate(part.keys):
        past = known.get(key)
        if past is None:
            if part.jobs[i]:
                fresh.append(i)
        elif past.digest != part.digests[i] or part.at[i] < past.written_at:
            fresh.append(i)
        elif (days := _days(past, part.at[i], part.jobs[i])) is not None:
            rows.append(replace(past, seen_at=max(past.seen_at, part.at[i]), days=days))
        elif part.at[i] > past.seen_at:
            dated.setdefault(part.at[i], []).append(past.number)
    for seen_at, numbers in dated.items():
        kept.touch_past(store, numbers, seen_at)
    kept.keep_past(store, rows, [])
    _merge(store, part, fresh, known)
    return len(fresh), sum(part.keys[i] not in known for i in fresh)


def _merge(store: Store, part: Part, fresh: Sequence[int], known: dict[bytes, PastWorkflow]) -> None:
    """Merge the workflows *fresh* of *part* with what is kept of them, and keep the outcome."""
    before = kept.past_cells(store, [known[part.keys[i]].number for i in fresh if part.keys[i] in known])
    number = kept.last_past_number(store) if len(before) < len(fresh) else 0
    owners: list[Array] = []
    cells: list[Array] = []
    lower: list[Array] = []
    rows: list[PastWorkflow] = []
    tasks: list[str] = []
    for place, i in enumerate(fresh):
        past, told = known.get(part.keys[i]), part.cells_of(i)
        mine, text = [told], part.tasks[i]
        if past is None:
            number += 1
            rows.append(_new(part, i, number))
        else:
            kept_cells = before[past.number]
            old = _dated(past, unpack(kept_cells.packed, CELL, f"the history of {past.name}"))
            text, told["task"] = _one_list(kept_cells.tasks, text, told["task"])
            mine = [old, told]
            rows.append(_renewed(part, i, past))
        tasks.append(text)
        owners.append(np.full(sum(map(len, mine)), place))
        lower.append(np.repeat([False, part.partial[i]][-len(mine) :], [len(one) for one in mine]))
        cells += mine
    owner, every = merged(joined(owners, np.dtype(int)), joined(cells, CELL), joined(lower, np.dtype(bool)))
    bounds = np.searchsorted(owner, np.arange(len(fresh) + 1)).tolist()
    spans = [every[bounds[place] : bounds[place + 1]] for place in range(len(fresh))]
    kept.keep_past(
        store,
        [replace(row, cells=len(span)) for row, span in zip(rows, spans, strict=True)],
        [PastCells(row.number, text, pack(span)) for row, text, span in zip(rows, tasks, spans, strict=True)],
    )


def _new(part: Part, i: int, number: int) -> PastWorkflow:
    at, jobs = part.at[i], part.jobs[i]
    day = pack(np.array([(at // DAY, at, jobs)], WORKFLOW_DAY))
    return PastWorkflow(number, part.keys[i], part.names[i], part.digests[i], jobs, 0, at, at, at, day)


def _renewed(part: Part, i: int, past: PastWorkflow) -> PastWorkflow:
    """The row of a workflow whose cells are merged; the latest look says what the next one is compared with."""
    at, jobs = part.at[i], part.jobs[i]
    days = _days(past, at, jobs)
    row = replace(past, first_at=min(past.first_at, at), days=past.days if days is None else days)
    if at > past.seen_at:
        return replace(row, digest=part.digests[i], jobs=jobs, written_at=at, seen_at=at)
    if at == past.seen_at and past.digest != part.digests[i]:
        # Two looks of one second: neither of them is what the next one would repeat.
        return replace(row, digest=b"", jobs=max(jobs, past.jobs), written_at=at)
    return replace(row, written_at=past.seen_at)


def _dated(past: PastWorkflow, cells: Array) -> Array:
    """*cells* with the time until which they were seen: looks that told the same again only dated the workflow."""
    dated: Array = cells.copy()
    dated["last"][cells["last"] == past.written_at] = past.seen_at
    return dated


def _days(past: PastWorkflow, at: int, jobs: int) -> bytes | None:
    """The days of *past* with a look at *at* that counted *jobs*; None: as they are."""
    day = at // DAY
    if day == past.seen_at // DAY and at >= past.seen_at and jobs == past.jobs:
        return None
    rows = unpack(past.days, WORKFLOW_DAY, f"the history of {past.name}").copy()
    rows["at"][rows["day"] == past.seen_at // DAY] = past.seen_at
    there = np.flatnonzero(rows["day"] == day)
    if len(there):
        last = (int(rows["at"][there[0]]), int(rows["jobs"][there[0]]))
        if last >= (at, jobs):
            return None
        rows[there[0]] = (day, at, jobs)
    else:
        rows = np.sort(np.append(rows, np.array([(day, at, jobs)], WORKFLOW_DAY)), order="day")
    return pack(rows)


def _one_list(before: str, told: str, task: Array) -> tuple[str, Array]:
    """The tasks of both lists, those of *before* first; and *task*, places in *told*, as places in it."""
    if before == told:
        return before, task
    lines = before.split("\n") if before else []
    place = {text: i for i, text in enumerate(lines)}
    new = told.split("\n") if told else []
    places = np.fromiter((place.setdefault(text, len(place)) for text in new), np.uint32, len(new))
    return "\n".join(place), places[task]
