"""Faults at random, for a while: after every refresh each number is of now, the last good one with its age, or unknown.

``pytest -m drill tests/live --log-cli-level=INFO`` says how many refreshes and answers that was.
"""

from __future__ import annotations

import logging
import random
import time

import pytest

from tests.live.invariant import Before, complaints
from tests.live.live_house import AT, Live, Shown
from wwt_framework.testing.faults import ALL
from wwt_framework.testing.grid_services import GridServices

log = logging.getLogger(__name__)

#: Faults after which what is told differs from before, and nobody can tell: what was told then is the last good data.
LIES = frozenset({"null sites", "exit code 0", "more failed jobs", "numbers as text"})
#: Rounds after which the weather is good for once.
_GOOD_AFTER = 4


def rounds(house: Live, services: GridServices, good: dict[str, Shown], seconds: float, seed: int) -> int:
    """Refresh amid faults until *seconds* have passed; then all is well. Returns how many times."""
    chance = random.Random(seed)
    before, n, lied = Before(good, AT), 0, frozenset[str]()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        n += 1
        house.give_up_after(0.3)
        rate, some = chance.choice((0.02, 0.2, 0.6)), tuple(chance.sample(ALL, 5))
        services.mood.at_random(rate, some)
        house.refresh()
        lied |= LIES & set(some)  # what was told in an earlier round may still be the last good data
        found = complaints(house, before, lied | set(some))
        assert found == [], f"round {n}, seed {seed}, {rate} of {some}, lied {sorted(lied)}: {found[:5]}"
        if n % _GOOD_AFTER == 0:
            all_well(house, before, good)
            lied = frozenset()
    all_well(house, before, good)
    return n


def all_well(house: Live, before: Before, good: dict[str, Shown]) -> None:
    """The faults end, and with the next refresh all is as it was."""
    house.behave()
    house.refresh()
    assert complaints(house, before, frozenset()) == []
    assert {name: shown.state for name, shown in house.all_shown().items()} == {k: g.state for k, g in good.items()}


def test_nothing_turns_into_zero_amid_random_faults(
    house: Live, services: GridServices, good: dict[str, Shown]
) -> None:
    assert rounds(house, services, good, seconds=15, seed=1) >= 1


@pytest.mark.drill
@pytest.mark.parametrize("seed", range(5))
def test_nothing_turns_into_zero_in_ten_minutes_of_random_faults(
    house: Live, services: GridServices, good: dict[str, Shown], seed: int
) -> None:
    n = rounds(house, services, good, seconds=120, seed=100 + seed)
    faults = sum(services.mood.given.values())
    log.info("seed %d: %d refreshes, %d answers, %d of them with a fault", seed, n, services.asked.total(), faults)

    assert n >= 2
    assert len(services.mood.given) > len(ALL) / 2
