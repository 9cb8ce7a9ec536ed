"""Whether a service is worth asking: what a dead one costs, and that it is noticed when it lives again."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from wwt_framework.errors import SourceError
from wwt_plugins.errors.cmsweb.pulse import LIMIT, TRY_EVERY_S, Pulse


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock) -> Pulse:
    return Pulse({}, clock)


def die(pulse: Pulse) -> None:
    for _ in range(LIMIT):
        pulse.check("wmstats")
        pulse.failed("wmstats", "did not answer in time")


def test_a_service_that_failed_often_in_a_row_is_not_asked(pulse: Pulse) -> None:
    die(pulse)

    with pytest.raises(SourceError, match="not asked after 12 failures in a row, the last one: did not answer in time"):
        pulse.check("wmstats")


def test_after_a_while_one_question_tries(pulse: Pulse, clock: Clock) -> None:
    die(pulse)
    clock.at += TRY_EVERY_S
    pulse.check("wmstats")
    pulse.answered("wmstats")

    pulse.check("wmstats")


def test_a_try_that_takes_longer_than_the_pause_costs_one_question_and_not_all_of_them(
    pulse: Pulse, clock: Clock
) -> None:
    die(pulse)
    clock.at += TRY_EVERY_S
    pulse.check("wmstats")
    clock.at += 4 * TRY_EVERY_S  # it hangs
    pulse.failed("wmstats", "did not answer in time")

    with pytest.raises(SourceError, match="not asked"):
        pulse.check("wmstats")

    clock.at += TRY_EVERY_S
    pulse.check("wmstats")


def test_who_waits_for_a_try_is_told_what_came_of_it(pulse: Pulse, clock: Clock) -> None:
    die(pulse)
    clock.at += TRY_EVERY_S
    pulse.check("wmstats")
    told: list[Any] = []

    def ask() -> None:
        try:
            told.append(pulse.check("wmstats"))
        except SourceError as error:
            told.append(str(error))

    waiting = [threading.Thread(target=ask, daemon=True) for _ in range(5)]
    for thread in waiting:
        thread.start()
    clock.at += 4 * TRY_EVERY_S
    pulse.failed("wmstats", "hung")
    for thread in waiting:
        thread.join(30)

    assert told == ["not asked after 13 failures in a row, the last one: hung"] * 5


def test_the_dead_are_remembered_from_refresh_to_refresh(clock: Clock) -> None:
    memory: dict[str, Any] = {}
    die(Pulse(memory, clock))
    later = Pulse(memory, clock)
    later.check("wmstats")  # it is tried once
    later.failed("wmstats", "still dead")

    with pytest.raises(SourceError, match="still dead"):
        later.check("wmstats")
