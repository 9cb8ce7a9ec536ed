"""Asking again about a few workflows: the reset of one workflow, of one PrepID, and a workflow that nobody knew."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.refresh_house import NOON, House, cells, columns, line, source, states
from wwt_framework.model import ErrorCount, Errors, LogExcerpt, Readiness, Recovery, Rejected, SiteStatus, Workflow
from wwt_framework.store import ledger

A1: tuple[str, int, str, int] = ("/a/one", 85, "T1_US_FNAL", 3)
B1: tuple[str, int, str, int] = ("/b/one", 85, "T2_CH_CERN", 7)
C1: tuple[str, int, str, int] = ("/c/one", 92, "T2_CH_CERN", 2)
A9: tuple[str, int, str, int] = ("/a/one", 85, "T1_US_FNAL", 9)
B9: tuple[str, int, str, int] = ("/b/one", 85, "T2_CH_CERN", 9)
BROKEN = OSError("connection refused")


@pytest.fixture
def two(house: House) -> House:
    """A house that knows a (of P) and b (of Q) since noon; since then all counts became 9."""
    house.sources["file"] = source(
        list_workflows=[Workflow("a", "P"), Workflow("b", "Q")],
        load_errors=columns(A1, B1),
        fetch_site_statuses=[SiteStatus("T1_US_FNAL", Readiness.GREEN)],
    )
    house.refresh()
    house.sources["file"].answers["load_errors"] = columns(A9, B9)
    house.go_on()
    return house


def test_p19_only_the_workflow_that_was_asked_for_is_new(two: House) -> None:
    snapshot = two.refresh(workflows=["a"])

    assert cells(snapshot) == {A9, B1}
    at = dict(zip(snapshot.workflow_names(), snapshot.errors_at.tolist(), strict=True))
    assert at == {"a": int(two.now.timestamp()), "b": int(NOON.timestamp())}
    assert states(snapshot) == {"a": "ok", "b": "ok"}


def test_p19_only_the_prep_id_that_was_asked_for_is_new(two: House) -> None:
    assert cells(two.refresh(prep_ids=["Q"])) == {A1, B9}


def test_a_bulk_source_is_asked_by_name(two: House) -> None:
    two.refresh(workflows=["b", "a"])

    assert two.sources["file"].asked[-1] == ("load_errors", ["a", "b"])


def test_the_rest_is_not_asked_again(two: House) -> None:
    two.refresh(workflows=["a"])

    assert two.sources["file"].times("list_workflows") == 1
    assert two.sources["file"].times("fetch_site_statuses") == 1


def test_sites_and_lists_are_as_they_were(two: House) -> None:
    two.refresh(workflows=["a"])
    snapshot = two.refresh(workflows=["b"])

    assert list(snapshot.workflow_names()) == ["a", "b"]
    assert snapshot.sites["T1_US_FNAL"].readiness is Readiness.GREEN


def test_j5_the_mark_of_a_prep_id_is_cleared_when_it_was_asked_again(two: House) -> None:
    two.store.clock = lambda: NOON
    ledger.mark_prep(two.store, "P")
    ledger.mark_prep(two.store, "Q")
    two.refresh(prep_ids=["P"])

    assert list(ledger.marked_preps(two.store)) == ["Q"]


def test_p11_a_workflow_that_nobody_knew_is_asked_for(house: House) -> None:
    counts = {"a": A1, "c": C1}
    live = source(
        list_workflows=[Workflow("a", "P")],
        fetch_workflows=lambda names: [Workflow(name, "P", status="completed") for name in names if name in counts],
        fetch_errors=lambda workflow: Errors((ErrorCount(*counts[workflow.name]),)),
    )
    house.sources["live"] = live
    house.refresh()

    snapshot = house.refresh(workflows=["c"])

    assert cells(snapshot) == {A1, C1}
    assert snapshot.workflow("c") == Workflow("c", "P", status="completed")


def test_p11_a_workflow_of_the_file_that_nobody_listed_is_found(two: House) -> None:
    two.sources["file"].answers["load_errors"] = columns(C1)

    assert cells(two.refresh(workflows=["c"])) == {A1, B1, C1}


@pytest.mark.parametrize("answer", [BROKEN, Errors()])
def test_p11_a_name_that_no_source_knows_does_not_get_in(house: House, answer: Any) -> None:
    house.sources["live"] = source(list_workflows=[Workflow("a")], fetch_errors=Errors(), fetch_workflows=[])
    house.refresh()
    house.sources["live"].answers["fetch_errors"] = answer

    snapshot = house.refresh(workflows=["nonsense", "x/../y", "a\x00b", ""])

    assert list(snapshot.workflow_names()) == ["a"]


def test_p11_a_workflow_found_by_name_stays_when_another_one_is_asked_for(house: House) -> None:
    house.sources["live"] = source(
        list_workflows=[Workflow("a", "P")],
        fetch_workflows=lambda names: [Workflow(name, "P") for name in names],
        fetch_errors=lambda workflow: Errors((ErrorCount(f"/{workflow.name}/one", 85, "T1_US_FNAL", 1),)),
    )
    house.refresh()
    house.refresh(workflows=["c"])

    assert list(house.refresh(workflows=["a"]).workflow_names()) == ["a", "c"]


def test_new_members_of_a_family_are_found_with_their_errors(house: House) -> None:
    counts = {"a": A1, "c": C1}
    house.sources["live"] = source(
        list_workflows=[Workflow("a", "P"), Workflow("b", "Q")],
        fetch_family=[],
        fetch_errors=lambda workflow: Errors((ErrorCount(*counts[workflow.name]),) if workflow.name in counts else ()),
    )
    house.refresh()
    house.sources["live"].answers["fetch_family"] = [Workflow("c")]

    snapshot = house.refresh(prep_ids=["P"])

    assert cells(snapshot) == {A1, C1}
    assert [w.name for w in snapshot.family("a")] == ["c"]


def test_members_of_families_stay_when_something_else_is_asked_again(house: House) -> None:
    house.options["include_all_acdcs"] = True
    house.sources["live"] = source(
        list_workflows=[Workflow("a", "P"), Workflow("b", "Q")],
        fetch_family=lambda prep_id: [Workflow("c")] if prep_id == "P" else [],
        fetch_errors=Errors(),
    )
    house.refresh()

    assert list(house.refresh(workflows=["b"]).workflow_names()) == ["a", "b", "c"]


def test_logs_and_recoveries_of_the_others_stay(house: House) -> None:
    def said(text: str) -> dict[str, Any]:
        return {
            "fetch_logs": lambda workflow, codes: [LogExcerpt(f"/{workflow.name}/one", 85, "s", text=text)],
            "fetch_recoveries": lambda workflow: [Recovery(f"/{workflow.name}/one", frozenset({text}))],
        }

    house.sources["live"] = source(load_errors=columns(A1, B1), **said("first"))
    house.refresh()
    house.sources["live"] = source(load_errors=columns(A1, B1), **said("second"))
    snapshot = house.refresh(workflows=["a"])

    assert {w: [log.text for log in snapshot.logs(w)] for w in "ab"} == {"a": ["second"], "b": ["first"]}
    assert [set(snapshot.recoveries(w)[0].sites) for w in "ab"] == [{"second"}, {"first"}]


def test_a_workflow_that_the_source_no_longer_has_loses_its_cells(two: House) -> None:
    two.sources["file"].answers["load_errors"] = columns(B9)

    assert cells(two.refresh(workflows=["a"])) == {B1}


def test_a_failure_keeps_the_workflow_and_says_so_on_it_alone(two: House) -> None:
    two.sources["file"].answers["load_errors"] = BROKEN

    snapshot = two.refresh(workflows=["a"])

    assert cells(snapshot) == {A1, B1}
    assert states(snapshot) == {"a": "old", "b": "ok"}
    report = line(snapshot, "file", "errors")
    assert (report.state, report.as_of, report.note) == ("partial", NOON, "OSError: connection refused")


def test_a_success_afterwards_clears_the_rejected_paths_of_that_workflow(house: House) -> None:
    rejected = tuple(Rejected(f"/{w}/one > x", "expected a code", w) for w in ("a", "b"))
    house.sources["file"] = source(load_errors=columns(A1, B1, rejected=rejected))
    house.refresh()
    house.sources["file"].answers["load_errors"] = columns(A9, B9)

    report = line(house.refresh(workflows=["a"]), "file", "errors")

    assert (report.state, report.rejected_count, report.rejected) == ("partial", 1, rejected[1:])


def test_paths_rejected_of_other_workflows_are_no_business_of_this_refresh(two: House) -> None:
    other = Rejected("/b/one > x", "expected a code", "b")
    two.sources["file"].answers["load_errors"] = columns(A9, rejected=(other,))

    snapshot = two.refresh(workflows=["a"])

    assert cells(snapshot) == {A9, B1}
    assert line(snapshot, "file", "errors").rejected_count == 0


def test_asking_again_before_anything_was_ever_asked_finds_what_was_asked_for(house: House) -> None:
    house.sources["file"] = source(list_workflows=[Workflow("b")], load_errors=columns(A1, B1))

    assert cells(house.refresh(workflows=["a"])) == {A1}


def test_a_full_refresh_after_a_partial_one_is_right(two: House) -> None:
    two.refresh(workflows=["a"])

    assert cells(two.refresh()) == {A9, B9}


def test_a_source_that_does_not_run_loses_nothing(two: House) -> None:
    two.sources["live"] = source(load_errors=columns(C1))
    two.absent = {"file"}

    assert cells(two.refresh(workflows=["c"])) == {A1, B1, C1}
