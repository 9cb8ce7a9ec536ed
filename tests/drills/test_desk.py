"""Actions survive whatever happens to the server: each is there once, is done once, and none is lost."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from tests.drills.traffic import Traffic, installation


def _kill_again_and_again(folder: Path, url: str, times: int, seed: int) -> None:
    dice = random.Random(seed)
    with installation(folder, url) as it:
        traffic = Traffic(it)

        def until_killed() -> None:
            traffic.busy.wait(60)
            threading.Event().wait(dice.uniform(0, 0.25))
            it.kill()

        for _ in range(times):
            it.start()
            traffic.run(submitters=2, executors=1, until=until_killed)
        it.start()
        traffic.finish()

        assert traffic.complaints() == []
        assert len(traffic.notes.accepted) > times  # it was killed in the middle of work
        assert traffic.notes.success.total() > times


def test_no_action_is_lost_or_done_twice_when_the_server_is_killed(tmp_path: Path, url: str) -> None:
    _kill_again_and_again(tmp_path, url, 20, seed=1)


@pytest.mark.drill
def test_no_action_is_lost_or_done_twice_when_the_server_is_killed_200_times(tmp_path: Path, url: str) -> None:
    _kill_again_and_again(tmp_path, url, 200, seed=2)


def _under_load(folder: Path, url: str, seconds: float) -> None:
    with installation(folder, url) as it:
        it.start()
        traffic = Traffic(it)
        traffic.run(submitters=8, executors=2, until=lambda: [threading.Event().wait(seconds), None][1])
        traffic.finish()

        assert traffic.notes.doubtful == []
        assert traffic.complaints() == []
        assert len(traffic.notes.accepted) > 8


def test_eight_operators_and_two_executors_at_once_lose_and_double_nothing(tmp_path: Path, url: str) -> None:
    _under_load(tmp_path, url, 3)


@pytest.mark.drill
def test_eight_operators_and_two_executors_lose_and_double_nothing_for_a_minute(tmp_path: Path, url: str) -> None:
    _under_load(tmp_path, url, 60)
