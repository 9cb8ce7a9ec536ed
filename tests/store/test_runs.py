from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from wwt_framework.errors import NotFound, StoreError
from wwt_framework.store import Store, ledger


def running(store: Store, name: str = "refresh") -> str:
    run_id = ledger.request_run(store, name)
    assert ledger.start_run(store, run_id)
    return run_id


def test_a_run_goes_from_asked_to_done(store: Store, clock: Any) -> None:
    asked = clock.now
    run_id = ledger.request_run(store, "refresh", {"prep_ids": ["HIG-1"]}, "olga")
    assert ledger.run(store, run_id).state == "queued"
    started = clock.go_on(seconds=1)
    assert ledger.start_run(store, run_id)
    ledger.progress_run(store, run_id, 0.5, "asking json_file")
    half = ledger.run(store, run_id)
    ended = clock.go_on(seconds=9)
    ledger.end_run(store, run_id, "done", "12 workflows")

    run = ledger.run(store, run_id)
    assert (half.state, half.progress, half.doing, half.pid, half.attempt) == (
        "running", 0.5, "asking json_file", os.getpid(), 1,
    )  # fmt: skip
    assert (run.state, run.text, run.user, run.arguments) == ("done", "12 workflows", "olga", {"prep_ids": ["HIG-1"]})
    assert (run.requested_at, run.started_at, run.ended_at) == (asked, started, ended)


def test_a_run_is_taken_once(store: Store) -> None:
    run_id = ledger.request_run(store, "refresh")

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: ledger.start_run(store, run_id), range(4)))

    assert sorted(taken) == [False, False, False, True]


def test_a_job_does_not_overlap_itself(store: Store) -> None:
    first = running(store)
    second = ledger.request_run(store, "refresh")

    assert not ledger.start_run(store, second)
    ledger.end_run(store, first, "done")
    assert ledger.start_run(store, second)


def test_another_job_may_run_at_the_same_time(store: Store) -> None:
    running(store, "refresh")
    running(store, "fit")

    assert [run.name for run in ledger.runs(store, states=("running",))] == ["fit", "refresh"]


def test_a_lost_run_may_be_started_again_and_counts_its_attempts(store: Store) -> None:
    run_id = running(store)
    ledger.end_run(store, run_id, "lost", "its process is gone")

    assert ledger.start_run(store, run_id)
    run = ledger.run(store, run_id)
    assert (run.state, run.attempt, run.text, run.ended_at) == ("running", 2, "", None)


def test_a_run_that_ended_stays_as_it_ended(store: Store) -> None:
    run_id = running(store)
    ledger.end_run(store, run_id, "failed", "json_file: no such file")
    ledger.end_run(store, run_id, "lost")
    ledger.progress_run(store, run_id, 0.9, "late")

    run = ledger.run(store, run_id)
    assert (run.state, run.text, run.progress) == ("failed", "json_file: no such file", None)


def test_what_is_done_is_done_whole(store: Store) -> None:
    run_id = ledger.request_run(store, "refresh")
    ledger.start_run(store, run_id)
    ledger.progress_run(store, run_id, 0.9, "writing the snapshot")

    ledger.end_run(store, run_id, "done", "12 workflows")

    assert (ledger.run(store, run_id).progress, ledger.run(store, run_id).doing) == (1.0, "")


def test_of_what_failed_one_sees_how_far_it_came(store: Store) -> None:
    run_id = ledger.request_run(store, "refresh")
    ledger.start_run(store, run_id)
    ledger.progress_run(store, run_id, 0.4, "asking errors.x")

    ledger.end_run(store, run_id, "failed", "no")

    assert (ledger.run(store, run_id).progress, ledger.run(store, run_id).doing) == (0.4, "asking errors.x")


def test_a_lost_run_that_comes_back_to_life_may_end(store: Store) -> None:
    run_id = running(store)
    ledger.end_run(store, run_id, "lost")
    ledger.end_run(store, run_id, "done", "after all")

    assert ledger.run(store, run_id).state == "done"


def test_progress_stays_between_nothing_and_all_and_may_be_unknown(store: Store) -> None:
    run_id = running(store)
    seen = []
    for far in (-1.0, 0.25, 7.0, None):
        ledger.progress_run(store, run_id, far)
        seen.append(ledger.run(store, run_id).progress)

    assert seen == [0.0, 0.25, 1.0, None]


def test_an_end_that_is_none_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="a job ends as one of done, failed, lost, got 'finished'"):
        ledger.end_run(store, running(store), "finished")


def test_an_unknown_run_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        ledger.start_run(store, "nope")


def test_runs_come_newest_first_and_by_name(store: Store) -> None:
    for name in ("refresh", "fit", "refresh"):
        ledger.end_run(store, running(store, name), "done")

    assert [run.name for run in ledger.runs(store, limit=2)] == ["refresh", "fit"]
    assert len(ledger.runs(store, name="refresh")) == 2


def test_old_runs_are_forgotten_and_running_ones_are_not(store: Store, clock: Any) -> None:
    ledger.end_run(store, running(store), "done")
    still = running(store)

    assert ledger.forget_runs(store, clock.go_on(days=30)) == 1
    assert [run.id for run in ledger.runs(store)] == [still]


# -- versions and marks -------------------------------------------------------


def test_the_version_published_last_is_current(store: Store, clock: Any) -> None:
    assert ledger.current_version(store) is None
    for name in ("v1", "v2"):
        ledger.publish_version(store, name, clock.now, f"/data/{name}")

    current = ledger.current_version(store)
    assert current
    assert (current.version, current.folder, current.taken_at) == ("v2", "/data/v2", clock.now)
    assert [version.version for version in ledger.versions(store)] == ["v2", "v1"]


def test_a_version_is_published_once(store: Store, clock: Any) -> None:
    ledger.publish_version(store, "v1", clock.now, "/data/v1")

    with pytest.raises(StoreError, match="the snapshot 'v1' was published before"):
        ledger.publish_version(store, "v1", clock.now, "/data/v1")


def test_a_forgotten_version_is_not_current(store: Store, clock: Any) -> None:
    ledger.publish_version(store, "v1", clock.now, "/data/v1")
    ledger.publish_version(store, "v2", clock.now, "/data/v2")
    ledger.forget_version(store, "v2")

    current = ledger.current_version(store)
    assert current
    assert current.version == "v1"


def test_j5_marks_say_who_asked_when_and_the_later_one_counts(store: Store, clock: Any) -> None:
    ledger.mark_prep(store, "HIG-1", "olga")
    ledger.mark_prep(store, "HIG-2", "olga")
    later = clock.go_on(minutes=1)
    ledger.mark_prep(store, "HIG-1", "pavel")

    marks = ledger.marked_preps(store)
    assert list(marks) == ["HIG-2", "HIG-1"]
    assert (marks["HIG-1"].user, marks["HIG-1"].at) == ("pavel", later)


def test_a_mark_made_during_a_fetch_stays(store: Store, clock: Any) -> None:
    ledger.mark_prep(store, "HIG-1")
    ledger.mark_prep(store, "HIG-2")
    began = clock.now
    clock.go_on(seconds=30)
    ledger.mark_prep(store, "HIG-2")
    ledger.clear_marks(store, ["HIG-1", "HIG-2"], before=began)

    assert list(ledger.marked_preps(store)) == ["HIG-2"]


def test_only_the_marks_named_are_cleared(store: Store) -> None:
    for name in ("HIG-1", "HIG-2"):
        ledger.mark_prep(store, name)
    ledger.clear_marks(store, ["HIG-1", "HIG-9"])

    assert list(ledger.marked_preps(store)) == ["HIG-2"]


@pytest.mark.parametrize("prep_id", ["", "x" * 501])
def test_a_prep_id_that_is_none_is_refused_in_words(store: Store, prep_id: str) -> None:
    with pytest.raises(Exception, match=rf"A prep id has 1 to 500 characters, got {len(prep_id)}\."):
        ledger.mark_prep(store, prep_id)
