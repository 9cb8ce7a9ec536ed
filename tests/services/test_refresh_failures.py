"""Sources on their bad days: what an operator sees then, and what is never lost."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.services.refresh_house import NOON, House, cells, columns, line, source, states
from wwt_framework.model import (
    ErrorCount,
    Errors,
    ExitCode,
    LogExcerpt,
    Readiness,
    Recovery,
    Rejected,
    SiteStatus,
    SiteStatuses,
    Workflow,
    Workflows,
)  # fmt: skip
from wwt_framework.plugin import Event

A1: tuple[str, int, str, int] = ("/a/one", 85, "T1_US_FNAL", 3)
A2: tuple[str, int, str, int] = ("/a/two", 8028, "T2_CH_CERN", 5)
B1: tuple[str, int, str, int] = ("/b/one", 85, "T2_CH_CERN", 7)
C1: tuple[str, int, str, int] = ("/c/one", 92, "T2_CH_CERN", 2)
BROKEN = OSError("connection refused")


def bad(workflow: str, path: str = "/a/one > 8x") -> Rejected:
    return Rejected(path, "expected an exit code, got '8x'", workflow)


# -- a source that does not answer --------------------------------------------


def test_a_source_that_raises_keeps_its_own_last_good_data(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    house.sources["two"] = source(load_errors=columns(B1))
    house.refresh()
    house.sources["one"] = source(load_errors=BROKEN)
    house.sources["two"] = source(load_errors=columns(C1))
    house.go_on()

    snapshot = house.refresh()

    assert cells(snapshot) == {A1, C1}
    assert states(snapshot) == {"a": "old", "c": "ok"}


def test_kept_data_says_of_when_it_is_and_why(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    house.refresh()
    house.sources["one"] = source(load_errors=BROKEN)
    house.go_on()

    snapshot = house.refresh()

    report, known = line(snapshot, "one", "errors"), snapshot.known("a")["errors"]
    assert (report.state, report.as_of, report.note) == ("kept", NOON, "OSError: connection refused")
    assert (known.state, known.at, known.source, known.note) == (
        "old",
        NOON,
        "errors.one",
        "OSError: connection refused",
    )


def test_a_source_may_fail_for_days(house: House) -> None:
    house.sources["one"] = source(list_workflows=[Workflow("a")], load_errors=columns(A1, workflows=("z",)))
    house.refresh()
    house.sources["one"] = source(list_workflows=BROKEN, load_errors=BROKEN)
    for _ in range(3):
        house.go_on(24 * 60)
        snapshot = house.refresh()

    assert cells(snapshot) == {A1}
    assert states(snapshot) == {"a": "old", "z": "old"}
    assert line(snapshot, "one", "errors").as_of == NOON


def test_a_source_that_answers_again_is_fresh_at_once(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    house.refresh()
    house.sources["one"] = source(load_errors=BROKEN)
    house.refresh()
    house.sources["one"] = source(load_errors=columns(A2))

    snapshot = house.refresh()

    assert cells(snapshot) == {A2}
    assert states(snapshot) == {"a": "ok"}


def test_a_source_that_never_answered_makes_all_counts_lower_bounds(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    house.sources["two"] = source(load_errors=BROKEN)

    snapshot = house.refresh()

    assert states(snapshot) == {"a": "partial"}
    assert snapshot.known("a")["errors"].note == "OSError: connection refused"
    assert line(snapshot, "two", "errors").state == "failed"


@pytest.mark.parametrize("answer", ["<html>Sign in</html>", 7, {"a": 1}])
def test_an_answer_of_another_kind_is_no_answer(house: House, answer: Any) -> None:
    house.sources["one"] = source(list_workflows=[Workflow("a")], load_errors=columns(A1), fetch_site_statuses=[])
    house.refresh()
    house.sources["one"] = source(list_workflows=answer, load_errors=answer, fetch_site_statuses=answer)

    snapshot = house.refresh()

    assert cells(snapshot) == {A1}
    assert {report.state for report in snapshot.sources} == {"kept"}


def test_every_kind_of_knowledge_is_kept_when_its_source_fails(house: House) -> None:
    excerpt, recovery = (
        LogExcerpt("/a/one", 85, "T1_US_FNAL", text="x"),
        Recovery("/a/one", frozenset({"T2_CH_CERN"}), 1),
    )
    site, code = SiteStatus("T1_US_FNAL", Readiness.RED, "drain", NOON), ExitCode(85, "short", "meaning", since=NOON)
    member = Workflow("m", "P", requested_at=NOON)
    good = {
        "list_workflows": [Workflow("a")],
        "fetch_workflows": [Workflow("a", "P", parameters={"Memory": 2000})],
        "fetch_family": [member],
        "load_errors": columns(A1, ("/m/one", 85, "T1_US_FNAL", 1)),
        "fetch_logs": [excerpt],
        "fetch_recoveries": [recovery],
        "fetch_site_statuses": [site],
        "describe_exit_codes": [code],
    }
    house.sources["one"] = source(**good)
    before = house.refresh()
    house.sources["one"] = source(**dict.fromkeys(good, BROKEN))
    house.go_on()

    after = house.refresh()

    case = after.case("a")
    assert case is not None
    assert case.workflow == Workflow("a", "P", parameters={"Memory": 2000})
    assert (case.logs, case.recoveries, case.family) == ((excerpt,), (recovery,), (member,))
    assert dict(after.site_statuses()) == {"T1_US_FNAL": site}
    assert dict(after.exit_codes) == {85: code}
    assert cells(after) == cells(before)
    assert {kind: (k.state, k.at) for kind, k in case.known.items()} == dict.fromkeys(
        ("errors", "parameters", "family", "logs", "recoveries"), ("old", NOON)
    )


def test_what_was_never_told_is_unknown_not_empty(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1), fetch_logs=BROKEN)

    known = house.refresh().known("a")["logs"]

    assert (known.state, known.at, known.note) == ("unknown", None, "OSError: connection refused")


def test_that_a_source_falls_silent_is_told_once(house: House) -> None:
    told: list[Event] = []
    house.sources["ear"] = source(notify=told.append)
    house.sources["one"] = source(load_errors=columns(A1))
    house.refresh()
    house.sources["one"] = source(load_errors=BROKEN)
    for _ in range(2):
        house.go_on()
        house.refresh()
    house.sources["one"] = source(load_errors=columns(A1))
    house.go_on()
    house.refresh()

    (failed,) = [event for event in told if event.name == "plugin_failed"]
    assert failed.plugin == "errors.one"
    assert failed.text.startswith("errors.one does not answer; errors: ")
    assert "connection refused" in failed.text


def test_one_workflow_that_can_not_be_fetched_costs_only_itself(house: House) -> None:
    counts = {"a": A1, "b": B1}
    failing: set[str] = set()

    def fetch_errors(workflow: Workflow) -> Errors:
        if workflow.name in failing:
            raise OSError("timed out")
        return Errors((ErrorCount(*counts[workflow.name]),))

    house.sources["live"] = source(list_workflows=[Workflow("a"), Workflow("b")], fetch_errors=fetch_errors)
    house.refresh()
    failing.add("a")
    counts["b"] = ("/b/one", 85, "T2_CH_CERN", 8)
    house.go_on()

    snapshot = house.refresh()

    assert cells(snapshot) == {A1, ("/b/one", 85, "T2_CH_CERN", 8)}
    assert states(snapshot) == {"a": "old", "b": "ok"}
    report = line(snapshot, "live", "errors")
    assert (report.state, report.note) == ("partial", "1 of 2 not answered: OSError: timed out")


def test_a_workflow_that_one_source_could_not_tell_is_a_lower_bound_when_another_did(house: House) -> None:
    house.sources["file"] = source(load_errors=columns(A1))
    house.sources["live"] = source(list_workflows=[Workflow("a")], fetch_errors=BROKEN)

    snapshot = house.refresh()

    assert cells(snapshot) == {A1}
    assert states(snapshot) == {"a": "partial"}


def test_counts_of_another_workflow_are_refused(house: House) -> None:
    house.sources["live"] = source(list_workflows=[Workflow("a")], fetch_errors=Errors((ErrorCount(*B1),)))

    snapshot = house.refresh()

    assert states(snapshot) == {"a": "unknown"}
    assert "expected tasks of a" in line(snapshot, "live", "errors").note


def test_a_dead_source_is_not_asked_about_every_workflow(house: House) -> None:
    live = source(list_workflows=[Workflow(f"w{i:03}") for i in range(200)], fetch_errors=BROKEN)
    house.sources["live"] = live

    snapshot = house.refresh()

    assert live.times("fetch_errors") < 40
    assert set(states(snapshot).values()) == {"unknown"}


# -- a source that answers in part --------------------------------------------


def test_a_workflow_that_could_not_be_read_keeps_its_last_good_cells_and_the_rest_is_new(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1, A2, B1))
    house.refresh()
    newer = ("/b/one", 85, "T2_CH_CERN", 70)
    house.sources["one"] = source(load_errors=columns(("/a/two", 8028, "T2_CH_CERN", 50), newer, rejected=(bad("a"),)))
    house.go_on()

    snapshot = house.refresh()

    assert cells(snapshot) == {A1, A2, newer}
    assert states(snapshot) == {"a": "old", "b": "ok"}
    at = dict(zip(snapshot.workflow_names(), snapshot.errors_at.tolist(), strict=True))
    assert at == {"a": int(NOON.timestamp()), "b": int(house.now.timestamp())}


def test_without_last_good_cells_what_can_be_read_is_a_lower_bound(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A2, rejected=(bad("a"),)))

    snapshot = house.refresh()

    assert cells(snapshot) == {A2}
    assert states(snapshot) == {"a": "partial"}
    assert snapshot.known("a")["errors"].note == "/a/one > 8x: expected an exit code, got '8x'"


def test_a_lower_bound_made_of_scraps_is_not_last_good_data(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A2, rejected=(bad("a"),)))
    house.refresh()
    house.sources["one"] = source(load_errors=columns(A1, rejected=(bad("a", "/a/two > 8x"),)))

    snapshot = house.refresh()

    assert cells(snapshot) == {A1}
    assert states(snapshot) == {"a": "partial"}


def test_a_workflow_of_which_nothing_could_be_read_is_unknown(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(B1, rejected=(bad("a"),)))

    assert states(house.refresh()) == {"a": "unknown", "b": "ok"}


def test_last_good_cells_stay_however_often_the_answer_is_bad(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    house.refresh()
    house.sources["one"] = source(load_errors=columns(A2, rejected=(bad("a"),)))
    for _ in range(3):
        house.go_on()
        snapshot = house.refresh()

    assert cells(snapshot) == {A1}
    assert snapshot.errors_at.tolist() == [int(NOON.timestamp())]


def test_who_vanishes_beside_a_path_that_nobody_can_place_stays(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1, B1))
    house.refresh()
    house.sources["one"] = source(load_errors=columns(B1, rejected=(Rejected("[7]", "expected a name, got 3"),)))

    snapshot = house.refresh()

    assert cells(snapshot) == {A1, B1}
    assert states(snapshot) == {"a": "old", "b": "ok"}


def test_rejected_paths_are_counted_and_the_first_are_named(house: House) -> None:
    rejected = tuple(bad("a", f"/a/one > {i}") for i in range(1000))
    house.sources["one"] = source(load_errors=columns(B1, rejected=rejected))

    report = house.report()

    (errors,) = report.sources
    assert (errors.state, errors.rejected_count, errors.rejected) == ("partial", 1000, rejected[:200])
    assert report.text.endswith("; 1,000 paths could not be read")


def test_a_listed_workflow_that_can_not_be_read_is_as_it_last_was(house: House) -> None:
    house.sources["one"] = source(list_workflows=[Workflow("a", "P", status="completed"), Workflow("b", "P")])
    house.refresh()
    huge = Workflow("a", "P", priority=10**30)
    house.sources["one"] = source(list_workflows=[huge, Workflow("b", "P2")])

    snapshot = house.refresh()

    assert snapshot.workflow("a") == Workflow("a", "P", status="completed")
    assert snapshot.workflow("b") == Workflow("b", "P2")
    assert line(snapshot, "one", "workflows").rejected[0].path == "a"


def test_a_list_that_says_what_it_could_not_read_keeps_that(house: House) -> None:
    house.sources["one"] = source(list_workflows=[Workflow("a", "P"), Workflow("b"), Workflow("c")])
    house.refresh()
    rejected = (Rejected("a > 3", "expected a list", "a"),)
    house.sources["one"] = source(list_workflows=Workflows((Workflow("b"),), rejected))

    snapshot = house.refresh()

    assert list(snapshot.workflow_names()) == ["a", "b"]
    assert snapshot.workflow("a") == Workflow("a", "P")
    assert line(snapshot, "one", "workflows").rejected == rejected


def test_a_site_that_vanishes_beside_a_broken_line_keeps_its_status(house: House) -> None:
    green, red = SiteStatus("T1_US_FNAL", Readiness.GREEN), SiteStatus("T2_CH_CERN", Readiness.RED)
    house.sources["one"] = source(fetch_site_statuses=[green, red])
    house.refresh()
    house.sources["one"] = source(fetch_site_statuses=SiteStatuses((green,), (Rejected("line 2", "cut off"),)))

    assert set(house.refresh().sites.values()) == {green, red}


# -- sources that come and go -------------------------------------------------


def test_a_source_removed_from_plugins_yml_loses_its_kept_data(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    house.sources["two"] = source(load_errors=columns(B1))
    house.refresh()
    removed = house.sources.pop("one")
    without = house.refresh()
    house.sources["one"] = removed
    removed.answers["load_errors"] = BROKEN

    assert cells(without) == {B1}
    assert cells(house.refresh()) == {B1}


def test_a_source_that_is_listed_and_does_not_run_keeps_its_data(house: House) -> None:
    house.sources["one"] = source(
        list_workflows=[Workflow("a")], load_errors=columns(A1), fetch_logs=[LogExcerpt("/a/one", 85, "s", text="x")]
    )
    house.sources["live"] = source(fetch_errors=Errors((ErrorCount(*A2),)))
    house.refresh()
    house.absent = {"one", "live"}

    snapshot = house.refresh()

    assert cells(snapshot) == {A1, A2}
    assert states(snapshot) == {"a": "old"}
    assert {report.state for report in snapshot.sources} == {"kept"}


def test_a_hook_that_a_source_no_longer_has_leaves_nothing(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1), list_workflows=[Workflow("b")])
    house.refresh()
    house.sources["one"] = source(load_errors=columns(A1))

    assert list(house.refresh().workflow_names()) == ["a"]


# -- what is kept is itself damaged -------------------------------------------


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_damaged_kept_files_are_as_good_as_none(house: House, damage: str) -> None:
    everything = {
        "list_workflows": [Workflow("a")],
        "load_errors": columns(A1),
        "fetch_logs": [LogExcerpt("/a/one", 85, "s", text="x")],
    }
    house.sources["one"] = source(**everything)
    house.refresh()
    for path in (house.data_dir / "sources" / "errors.one").iterdir():
        data = path.read_bytes()
        path.write_bytes({"cut": data[: len(data) // 2], "garbage": b"\x93NUMPY\xff\n\t[[[", "empty": b""}[damage])
    house.sources["one"] = source(**dict.fromkeys(everything, BROKEN))

    snapshot = house.refresh()

    assert list(snapshot.workflow_names()) == []
    assert {report.state for report in snapshot.sources} == {"failed"}


def test_kept_data_may_be_deleted_at_any_time(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    house.refresh()
    shutil.rmtree(house.data_dir / "sources")

    assert cells(house.refresh()) == {A1}
