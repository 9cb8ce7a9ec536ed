"""The history of failed jobs, as rows with packed columns: `services.history` knows what is in them.

Times are seconds since 1970, days are days since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from peewee import fn

from wwt_framework.store import Store
from wwt_framework.store.ledger.many import among, ask, change_among, put

#: Rows in one statement: both databases take them well.
_MANY = 2000
#: In plain SQL: peewee takes a third of the time of reading all for looking at each value.
_EVERY = """
    select w.number, w.name, w.written_at, w.seen_at, c.tasks, c.packed from history_workflow w
    join history_cells c on c.number = w.number where w.number > ? and w.seen_at >= ? order by w.number limit ?
"""


@dataclass(frozen=True, slots=True)
class PastWorkflow:
    """What is known of all times about one workflow, without its cells."""

    number: int
    key: bytes
    name: str
    digest: bytes
    jobs: int
    cells: int
    first_at: int
    written_at: int
    seen_at: int
    days: bytes


@dataclass(frozen=True, slots=True)
class PastCells:
    """The cells of one workflow."""

    number: int
    tasks: str
    packed: bytes


@dataclass(frozen=True, slots=True)
class PastDay:
    """The last look of one day. ``pairs`` is empty where it was thinned out, or was not asked for."""

    day: int
    at: int
    jobs: int
    workflows: int
    failing: int
    unsure: int
    totals: bytes
    sites: bytes
    pairs: bytes


# -- workflows and their cells --


def past_workflows(store: Store, keys: Iterable[bytes]) -> dict[bytes, PastWorkflow]:
    """Key -> what is known, of those among *keys* that are."""
    with store.connection():
        rows = (PastWorkflow(*row) for row in among(store.tables.history_workflow, "key", keys))
        return {row.key: row for row in rows}


def past_cells(store: Store, numbers: Iterable[int]) -> dict[int, PastCells]:
    """Number -> cells, of those among *numbers* that have some."""
    with store.connection():
        return {row[0]: PastCells(*row) for row in among(store.tables.history_cells, "number", numbers)}


def every_past(store: Store, since: int, many: int = 5000) -> Iterator[list[tuple[str, int, int, PastCells]]]:
    """Name, ``written_at``, ``seen_at`` and cells of all workflows seen at *since* or later, *many* at a time."""
    after = 0
    while True:
        with store.connection():
            rows = ask(store.database, _EVERY, (after, since, many)).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [(name, written, seen, PastCells(n, tasks, packed)) for n, name, written, seen, tasks, packed in rows]


def keep_past(store: Store, workflows: Sequence[PastWorkflow], cells: Sequence[PastCells]) -> None:
    """Write *workflows* and *cells*, in the place of what had the same number."""
    with store.write():
        put(store.tables.history_workflow, workflows)
        put(store.tables.history_cells, cells)


def touch_past(store: Store, numbers: Iterable[int], seen_at: int) -> None:
    """Say that the workflows *numbers* were seen until *seen_at*."""
    with store.write():
        change_among(store.tables.history_workflow, "seen_at", seen_at, "number", numbers)


def last_past_number(store: Store) -> int:
    """The highest number of a workflow; 0 when there is none."""
    table: Any = store.tables.history_workflow
    with store.connection():
        return int(table.select(fn.MAX(table.number)).scalar() or 0)


def forget_past(store: Store, before: int, many: int = 2000) -> int:
    """Forget at most *many* workflows that were last seen before *before*; gives how many they were."""
    workflow: Any = store.tables.history_workflow
    cells: Any = store.tables.history_cells
    with store.write():
        old = [row[0] for row in workflow.select(workflow.number).where(workflow.seen_at < before).limit(many).tuples()]
        for start in range(0, len(old), _MANY):
            some = old[start : start + _MANY]
            cells.delete().where(cells.number.in_(some)).execute()
            workflow.delete().where(workflow.number.in_(some)).execute()
    return len(old)


# -- sites --


def past_sites(store: Store) -> dict[str, int]:
    """Name -> number."""
    table: Any = store.tables.history_site
    with store.connection():
        return dict(table.select(table.name, table.number).order_by(table.number).tuples())


def number_sites(store: Store, names: Iterable[str]) -> dict[str, int]:
    """Name -> number of all sites, those among *names* that had none included."""
    table: Any = store.tables.history_site
    with store.write(alone="history"):
        known = past_sites(store)
        for name in sorted(set(names) - known.keys()):
            known[name] = table.create(name=name).number
    return known


# -- days --


def past_days(store: Store, since: int, until: int, *, pairs: bool = False) -> list[PastDay]:
    """The days from *since* to *until*, both included, that have a row, oldest first."""
    table: Any = store.tables.history_day
    columns = [getattr(table, field.name) for field in fields(PastDay)]
    with store.connection():
        rows = table.select(*(columns if pairs else columns[:-1])).where(table.day.between(since, until))
        return [_day(*row) for row in rows.order_by(table.day).tuples()]


def _day(*row: Any) -> PastDay:
    day, at, jobs, workflows, failing, unsure, totals, sites = row[:8]
    pairs = bytes(row[8]) if len(row) > 8 else b""
    return PastDay(day, at, jobs, workflows, failing, unsure, bytes(totals), bytes(sites), pairs)


def last_day_at(store: Store) -> int:
    """When the grid was looked at last; 0: never."""
    table: Any = store.tables.history_day
    with store.connection():
        row = table.select(table.at).order_by(table.day.desc()).tuples().first()
    return row[0] if row else 0


def keep_day(store: Store, day: PastDay) -> None:
    """Write *day*, unless the one that is there was looked at later."""
    with store.write(alone="history"):
        there = past_days(store, day.day, day.day)
        if not there or there[0].at <= day.at:
            put(store.tables.history_day, [day])


def day_numbers(store: Store) -> dict[int, bool]:
    """The days that have a row, and whether it has pairs."""
    table: Any = store.tables.history_day
    with store.connection():
        return dict(table.select(table.day, fn.LENGTH(table.pairs) > 0).order_by(table.day).tuples())


def thin_days(store: Store, thin: Sequence[int], forget: Sequence[int]) -> None:
    """Take the pairs out of the days *thin*; forget the days *forget*."""
    table: Any = store.tables.history_day
    with store.write(alone="history"):
        for start in range(0, len(thin), _MANY):
            table.update(pairs=b"").where(table.day.in_(thin[start : start + _MANY])).execute()
        for start in range(0, len(forget), _MANY):
            table.delete().where(table.day.in_(forget[start : start + _MANY])).execute()
