"""Faults at random, for a while: after every refresh each number is of now, the last good one with its age, or unknown."""

from __future__ import annotations

import random
import time

import pytest

from tests.live.invariant import Before, complaints
from tests.live.live_house import AT, Live, Shown
from wwt_framework.testing.faults import ALL
from wwt_framework.testing.grid_services import GridServices

#: Faults after which what is told differs from before, and nobody can tell: what was told then is the last good data.
LIES = frozenset({"null sites", "exit code 0", "more failed jobs", "numbers as text"})
TELLTALE = tuple(fault for fault in ALL if fault not in LIES)


def rounds(house: Live, services: GridServices, good: dict[str, Shown], seconds: float, seed: int) -> int:
    """Refresh amid faults until *seconds* have passed; then all is well. Returns how many times."""
    chance = random.Random(seed)
    before, n = Before(good, AT), 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        n += 1
        house.give_up_after(0.3)
        rate, some = chance.choice((0.02, 0.2, 0.6)), tuple(chance.sample(TELLTALE, 5))
        services.mood.at_random(rate, some)
        house.refresh()
        found = complaints(house, before, frozenset(some))
        assert found == [], f"round {n}, seed {seed}, {rate} of {some}: {found[:5]}"
    house.behave()
    house.refresh()
    assert complaints(house, before, frozenset()) == []
    assert {name: shown.state for name, shown in house.all_shown().items()} == {k: g.state for k, g in good.items()}
    return n


def test_nothing_turns_into_zero_amid_random_faults(
    house: Live, services: GridServices, good: dict[str, Shown]
) -> None:
    assert rounds(house, services, good, seconds=15, seed=1) >= 1


@pytest.mark.drill
@pytest.mark.parametrize("seed", range(5))
def test_nothing_turns_into_zero_in_ten_minutes_of_random_faults(
    house: Live, services: GridServices, good: dict[str, Shown], seed: int
) -> None:
    assert rounds(house, services, good, seconds=120, seed=100 + seed) >= 5
