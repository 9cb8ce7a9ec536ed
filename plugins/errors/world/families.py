"""Families of the made-up grid: a workflow, and what was made of it; when each is born, and what is wrong with it.

Family number k is born at ``k * step``; everything else about it follows from the seed and k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .draws import Array, bits, pick, uniform
from .parameters import CHAIN_SHARES, NEEDLESS, OVERLOOKED, load

_KEY, _CHAIN, _WRONG, _ONSET, _MEMORY, _CORES, _TYPE, _PRIORITY = range(301, 309)
#: MB of a task, and cores that go with them.
_MEMORIES = np.array([2000, 2300, 2400, 4000, 7900, 14700, 15900])
_MEMORY_SHARES = np.array([0.12, 0.34, 0.1, 0.08, 0.2, 0.08, 0.08])
_CORES_OF = np.array([1, 1, 1, 2, 4, 8, 8])
_MONTH = 30.4375 * 86400
#: 2017-06-01: before it hardly anybody was acted on.
_FIRST_MONTH = 5


@dataclass(frozen=True, eq=False)
class Families:
    """Columns, a row for each family."""

    number: Array
    key: Array  # uint64
    born: Array  # seconds
    chain: Array  # index of CHAINS
    others: Array  # share of workflows of that time that get something else than an ACDC
    wrong: Array  # whether the configuration is bad
    onset: Array  # 0..1: when failures begin, as a part of the time that is meant for them
    memory: Array  # MB
    cores: Array
    priority: Array
    stepchain: Array

    def __len__(self) -> int:
        return len(self.number)


def make_families(seed: int, number: Array, born: Array, others: Array | None = None) -> Families:
    """The families called *number*, born at *born*; *others* as in `Families`, by the month when it is None."""
    if others is None:
        others = other_share(born)
    key = bits(seed, _KEY, number)
    memory = pick(_MEMORY_SHARES, uniform(key, _MEMORY))
    return Families(
        number=number,
        key=key,
        born=born,
        chain=pick(CHAIN_SHARES, uniform(key, _CHAIN)),
        others=others,
        wrong=uniform(key, _WRONG) < wrong_share(others),
        onset=uniform(key, _ONSET),
        memory=_MEMORIES[memory],
        cores=_CORES_OF[memory],
        priority=85_000 + (uniform(key, _PRIORITY) * 40_000).astype(np.int64),
        stepchain=uniform(key, _TYPE) < 0.003,
    )


def other_share(born: Array) -> Array:
    """Share of workflows born at *born* that get something else than an ACDC, by the month.

    The months of the table are gone through again and again; those with hardly any task are left out.
    """
    months = load().months
    index = (np.floor_divide(born, _MONTH).astype(np.int64) - 564) % 120
    usable = [share for _, tasks, share in months[_FIRST_MONTH:] if tasks >= 150]
    shares: Array = np.array(usable)[index % len(usable)]
    return shares


def wrong_share(others: Array) -> Array:
    """Share of bad configurations: operators act on most of them, and on some that are none (`NEEDLESS`)."""
    shares: Array = others * (1 - NEEDLESS) / (1 - OVERLOOKED)
    return shares


def needless_share(others: Array) -> Array:
    """Share of right configurations that get something else than an ACDC all the same."""
    shares: Array = others * NEEDLESS / (1 - wrong_share(others))
    return shares
