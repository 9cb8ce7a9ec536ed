"""Tries of what is limited, counted for all processes together: a window that slides."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wwt_framework.store import Store

_LONGEST = timedelta(days=1)  # that a try is kept


@dataclass(frozen=True)
class Bound:
    """At most *most* tries of *key* within any span of *within*, a day at most."""

    key: str
    most: int
    within: timedelta


@dataclass(frozen=True)
class Turn:
    """A try that was counted, or was refused: then ``again_at`` says from when on one may try again."""

    numbers: tuple[int, ...] = ()  # what `give_back` wants
    again_at: datetime | None = None
    last: bool = False  # with it a bound is reached


def take_turn(store: Store, bounds: Sequence[Bound]) -> Turn:
    """Count one try against all *bounds*, or refuse it and count nothing. Two processes can not both take the last."""
    table, now = store.tables.attempt, store.now()
    with store.write(alone="attempts"):
        table.delete().where(table.at <= now - _LONGEST).execute()
        again, last = None, False
        for bound in bounds:
            tries = (
                table.select(table.at)
                .where((table.key == bound.key) & (table.at > now - bound.within))
                .order_by(table.at.desc())
                .limit(bound.most)
            )
            times = [row.at for row in tries]
            if len(times) >= bound.most:
                free = times[-1] + bound.within
                again = free if again is None else max(again, free)
            last = last or len(times) + 1 == bound.most
        if again is not None:
            return Turn(again_at=again)
        return Turn(tuple(table.create(key=bound.key, at=now).number for bound in bounds), None, last)


def give_back(store: Store, numbers: Collection[int]) -> None:
    """Forget tries that turned out well."""
    table = store.tables.attempt
    with store.write():
        table.delete().where(table.number.in_(list(numbers))).execute()
