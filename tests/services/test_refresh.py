"""What a refresh takes from its sources, and what it makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from tests.services.refresh_house import NOON, House, cells, columns, line, source, states
from wwt_framework.model import (
    ErrorCount,
    Errors,
    ExitCode,
    LogExcerpt,
    Readiness,
    Recovery,
    SiteStatus,
    Workflow,
)  # fmt: skip
from wwt_framework.plugin import Event
from wwt_framework.store import ledger

A1: tuple[str, int, str, int] = ("/a/one", 85, "T1_US_FNAL", 3)
A2: tuple[str, int, str, int] = ("/a/two", 8028, "T2_CH_CERN", 5)
B1: tuple[str, int, str, int] = ("/b/one", 85, "T2_CH_CERN", 7)


def test_a_house_without_sources_has_an_empty_snapshot(house: House) -> None:
    snapshot = house.refresh()

    assert list(snapshot.workflow_names()) == []
    assert not snapshot.is_empty


def test_cells_of_a_bulk_source_are_in_the_snapshot(house: House) -> None:
    house.sources["file"] = source(load_errors=columns(A1, A2, B1))

    assert cells(house.refresh()) == {A1, A2, B1}


def test_cells_of_a_source_asked_workflow_by_workflow_are_in_the_snapshot(house: House) -> None:
    counts = {"a": Errors((ErrorCount(*A1), ErrorCount(*A2))), "b": Errors((ErrorCount(*B1),))}
    house.sources["live"] = source(
        list_workflows=[Workflow("a"), Workflow("b")], fetch_errors=lambda workflow: counts[workflow.name]
    )

    assert cells(house.refresh()) == {A1, A2, B1}


def test_the_first_source_of_a_cell_wins_and_counts_are_not_added(house: House) -> None:
    task, code, site, count = A1
    house.sources["first"] = source(load_errors=columns(A1))
    house.sources["second"] = source(load_errors=columns((task, code, site, count + 100), A2))

    assert cells(house.refresh()) == {A1, A2}


@pytest.mark.parametrize("path", ["/a/Prod/ProdMergeLogCollect", "/a/LogCollectForProd", "/a/Prod/ProdCleanupUnmerged"])
def test_d_a_tidying_tasks_are_left_out_whatever_source_counts_them(house: House, path: str) -> None:
    tidying = (path, 99303, "T2_CH_CERN", 9)
    house.sources["file"] = source(load_errors=columns(A1, tidying))
    house.sources["live"] = source(
        list_workflows=[Workflow("a")], fetch_errors=Errors((ErrorCount(*tidying), ErrorCount(*A2)))
    )

    assert cells(house.refresh()) == {A1, A2}


def test_a_workflow_is_not_tidying_because_of_its_name(house: House) -> None:
    house.sources["file"] = source(load_errors=columns(("/op_Cleanup_v1/Prod", 85, "T2_CH_CERN", 1)))

    assert list(house.refresh().workflow_names()) == ["op_Cleanup_v1"]


def test_d_a_a_job_that_nobody_reported_counts_at_least_once(house: House) -> None:
    house.sources["file"] = source(
        load_errors=columns(("/a/one", -1, "T2_CH_CERN", 0), ("/a/one", -1, "T1_US_FNAL", 4))
    )

    assert cells(house.refresh()) == {("/a/one", -1, "T2_CH_CERN", 1), ("/a/one", -1, "T1_US_FNAL", 4)}


def test_a_cell_without_failed_jobs_is_no_cell(house: House) -> None:
    house.sources["file"] = source(load_errors=columns(("/a/one", 85, "T2_CH_CERN", 0), A2))

    assert cells(house.refresh()) == {A2}


def test_a_workflow_named_by_errors_alone_is_in_the_snapshot(house: House) -> None:
    house.sources["file"] = source(list_workflows=[Workflow("b")], load_errors=columns(A1))

    assert list(house.refresh().workflow_names()) == ["a", "b"]


def test_a_workflow_that_a_source_found_without_errors_is_known_to_have_none(house: House) -> None:
    house.sources["file"] = source(load_errors=columns(A1, workflows=("b",)))

    assert states(house.refresh()) == {"a": "ok", "b": "ok"}


def test_a_workflow_of_which_no_source_counts_errors_is_unknown_not_zero(house: House) -> None:
    house.sources["list"] = source(list_workflows=[Workflow("b")])
    house.sources["file"] = source(load_errors=columns(A1))

    snapshot = house.refresh()

    assert states(snapshot) == {"a": "ok", "b": "unknown"}
    assert snapshot.known("b")["errors"].at is None


def test_an_empty_answer_about_one_workflow_means_that_it_has_no_errors(house: House) -> None:
    house.sources["live"] = source(list_workflows=[Workflow("a")], fetch_errors=Errors())

    assert states(house.refresh()) == {"a": "ok"}


def test_counts_that_the_source_calls_lower_bounds_are_marked(house: House) -> None:
    house.sources["file"] = source(load_errors=columns(A1, B1, partial={"a": "1 of 2 agents answered"}))

    snapshot = house.refresh()

    assert states(snapshot) == {"a": "partial", "b": "ok"}
    assert snapshot.known("a")["errors"].note == "1 of 2 agents answered"


def test_an_incomplete_answer_about_one_workflow_is_marked(house: House) -> None:
    incomplete = Errors((ErrorCount(*A1),), complete=False, note="2 of 3 agents answered")
    house.sources["live"] = source(list_workflows=[Workflow("a")], fetch_errors=incomplete)

    snapshot = house.refresh()

    assert states(snapshot) == {"a": "partial"}
    assert snapshot.known("a")["errors"].note == "2 of 3 agents answered"


def test_fields_of_the_first_source_win_and_gaps_are_filled(house: House) -> None:
    house.sources["first"] = source(list_workflows=[Workflow("a", prep_id="P1")])
    house.sources["second"] = source(list_workflows=[Workflow("a", prep_id="P2", campaign="C2", priority=0)])
    house.sources["third"] = source(fetch_workflows=[Workflow("a", campaign="C3", status="completed", priority=9)])

    workflow = house.refresh().workflow("a")

    assert workflow == Workflow("a", prep_id="P1", campaign="C2", status="completed", priority=0)


def test_parameters_are_asked_once_with_all_workflows_that_lack_something(house: House) -> None:
    full = Workflow("full", "P", "C", "TaskChain", "completed", 1, NOON, parameters={"Memory": 1})
    asked = source(list_workflows=[full, Workflow("b"), Workflow("a")], fetch_workflows=[])
    house.sources["one"] = asked
    house.refresh()

    assert [names for hook, *names in asked.asked if hook == "fetch_workflows"] == [[["a", "b"]]]


def test_parameters_that_were_not_asked_for_are_not_taken(house: House) -> None:
    house.sources["one"] = source(
        list_workflows=[Workflow("a")], fetch_workflows=[Workflow("a", "P"), Workflow("x", "P")]
    )

    assert list(house.refresh().workflow_names()) == ["a"]


def test_d_a_workflows_of_the_same_prep_id_are_added_with_their_errors(house: House) -> None:
    house.sources["one"] = source(
        list_workflows=[Workflow("b", "P")],
        fetch_family=lambda prep_id: [Workflow("b"), Workflow("a", request_type="Resubmission"), Workflow("c")],
        fetch_errors=lambda workflow: Errors((ErrorCount(*A1),) if workflow.name == "a" else ()),
    )

    snapshot = house.refresh()

    assert list(snapshot.workflow_names()) == ["a", "b"]
    assert snapshot.workflow("a") == Workflow("a", "P", request_type="Resubmission")
    assert [w.name for w in snapshot.family("b")] == ["a"]


def test_d_a_members_without_errors_are_added_when_the_installation_asks_for_it(house: House) -> None:
    house.options["include_all_acdcs"] = True
    house.sources["one"] = source(
        list_workflows=[Workflow("b", "P")], fetch_family=[Workflow("a"), Workflow("b")], fetch_errors=Errors()
    )

    assert list(house.refresh().workflow_names()) == ["a", "b"]


def test_a_member_whose_errors_nobody_could_tell_is_shown(house: House) -> None:
    def fetch_errors(workflow: Workflow) -> Errors:
        if workflow.name == "a":
            raise OSError("timed out")
        return Errors()

    house.sources["one"] = source(
        list_workflows=[Workflow("b", "P")], fetch_family=[Workflow("a"), Workflow("b")], fetch_errors=fetch_errors
    )

    assert states(house.refresh()) == {"a": "unknown", "b": "ok"}


def test_a_family_is_asked_for_once_per_prep_id(house: House) -> None:
    one = source(list_workflows=[Workflow("a", "P"), Workflow("b", "P"), Workflow("c")], fetch_family=[])
    house.sources["one"] = one
    house.refresh()

    assert [asked[1] for asked in one.asked if asked[0] == "fetch_family"] == ["P"]


def test_logs_are_asked_for_with_the_exit_codes_seen_now(house: House) -> None:
    one = source(list_workflows=[Workflow("c")], load_errors=columns(A1, A2, B1), fetch_logs=[])
    house.sources["one"] = one
    house.refresh()

    asked = {(workflow.name, codes) for hook, *rest in one.asked if hook == "fetch_logs" for workflow, codes in [rest]}
    assert asked == {("a", frozenset({85, 8028})), ("b", frozenset({85}))}


def test_logs_and_recoveries_are_in_the_snapshot(house: House) -> None:
    excerpt = LogExcerpt("/a/one", 85, "T1_US_FNAL", "FileReadError", "could not read", at=NOON)
    recovery = Recovery("/a/one", frozenset({"T2_CH_CERN"}), 12)
    house.sources["one"] = source(load_errors=columns(A1), fetch_logs=[excerpt], fetch_recoveries=[recovery])

    case = house.refresh().case("a")

    assert case is not None
    assert case.logs == (excerpt,)
    assert case.recoveries == (recovery,)


def test_twenty_excerpts_of_a_code_and_task_are_kept(house: House) -> None:
    many = [LogExcerpt("/a/one", code, "T1_US_FNAL", text=f"{i}") for code in (85, 92) for i in range(30)]
    house.sources["one"] = source(load_errors=columns(A1), fetch_logs=many)

    logs = house.refresh().logs("a")

    assert [len([log for log in logs if log.exit_code == code]) for code in (85, 92)] == [20, 20]


def test_the_first_source_that_knows_a_site_or_a_code_wins(house: House) -> None:
    house.sources["first"] = source(
        fetch_site_statuses=[SiteStatus("T1_US_FNAL", Readiness.GREEN)], describe_exit_codes=[ExitCode(85, "first", "")]
    )
    house.sources["second"] = source(
        fetch_site_statuses=[SiteStatus("T1_US_FNAL", Readiness.RED), SiteStatus("T2_CH_CERN", Readiness.RED)],
        describe_exit_codes=[ExitCode(85, "second", ""), ExitCode(92, "second", "")],
    )

    snapshot = house.refresh()

    assert {s.site: s.readiness for s in snapshot.site_statuses().values()} == {
        "T1_US_FNAL": Readiness.GREEN, "T2_CH_CERN": Readiness.RED,
    }  # fmt: skip
    assert {code.code: code.short for code in snapshot.exit_codes.values()} == {85: "first", 92: "second"}


def test_exit_codes_are_described_as_of_the_refresh(house: House) -> None:
    one = source(describe_exit_codes=[])
    house.sources["one"] = one
    house.refresh()

    assert one.asked == [("describe_exit_codes", NOON)]


def test_d_g_a_workflow_that_no_source_names_any_more_leaves(house: House) -> None:
    house.sources["one"] = source(list_workflows=[Workflow("a"), Workflow("b")], load_errors=columns(A1, B1))
    house.refresh()
    house.sources["one"] = source(list_workflows=[Workflow("a")], load_errors=columns(A1))
    house.go_on()

    assert list(house.refresh().workflow_names()) == ["a"]


def test_a_hook_without_anybody_costs_no_line_of_the_strip(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))

    assert [(report.kind, report.state) for report in house.refresh().sources] == [("errors", "ok")]


def test_the_report_is_one_line_of_counts(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1, A2))
    house.sources["two"] = source(load_errors=columns(B1))

    text = house.report().text

    assert text.startswith("2 workflows, 3 cells from 2 sources in ")
    assert text.endswith(" s")


def test_progress_goes_from_nothing_to_nearly_all(house: House) -> None:
    house.sources["one"] = source(list_workflows=[Workflow("a", "P")], fetch_errors=Errors(), fetch_family=[])
    house.refresh()

    fractions = [fraction for fraction, _ in house.said if fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert house.said[-3:] == [
        (0.9, "writing the snapshot"), (0.95, "writing the history"), (0.97, "taking logs into the search"),
    ]  # fmt: skip


def test_j5_marks_set_before_a_refresh_are_cleared_and_later_ones_stay(house: House) -> None:
    moments = iter([datetime(2026, 11, 23, 11, tzinfo=timezone.utc), datetime(2026, 11, 23, 13, tzinfo=timezone.utc)])
    now = next(moments)
    house.store.clock = lambda: now
    ledger.mark_prep(house.store, "before")
    now = next(moments)
    ledger.mark_prep(house.store, "after")
    house.refresh()

    assert list(ledger.marked_preps(house.store)) == ["after"]


def test_whoever_wants_to_be_told_gets_the_new_and_the_previous_snapshot(house: House) -> None:
    told: list[Event] = []
    house.sources["one"] = source(load_errors=columns(A1), notify=told.append)
    first = house.refresh().version
    house.go_on()
    second = house.refresh().version

    assert [(e.name, e.previous and e.previous.version, e.snapshot and e.snapshot.version) for e in told] == [
        ("snapshot_taken", None, first), ("snapshot_taken", first, second),
    ]  # fmt: skip


def test_a_shadow_source_changes_nothing(house: House) -> None:
    from dataclasses import replace

    from wwt_framework.hooks.manager import Hooks
    from wwt_framework.services.refresh import refresh

    house.sources["shadow"] = source(list_workflows=[Workflow("x")], load_errors=columns(B1))
    hooks = Hooks()
    hooks.register("errors.shadow", house.sources["shadow"], shadow=True)
    config = house.config
    config = replace(config, plugins=tuple(replace(plugin, shadow=True) for plugin in config.plugins))
    refresh(hooks, config, house.store, house.data_dir)

    assert list(house.snapshot.workflow_names()) == []


def test_times_say_of_when_counts_are(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    snapshot = house.refresh()

    assert snapshot.taken_at == NOON
    assert snapshot.errors_at.tolist() == [int(NOON.timestamp())]
    assert line(snapshot, "one", "errors").as_of == NOON


def test_counts_of_an_old_file_are_as_old_as_the_file(house: House) -> None:
    written = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)
    house.sources["file"] = source(load_errors=replace(columns(A1), as_of=written))

    snapshot = house.refresh()

    assert snapshot.known("a")["errors"].at == written
    assert line(snapshot, "file", "errors").as_of == written


def test_no_source_tells_the_future(house: House) -> None:
    house.sources["file"] = source(load_errors=replace(columns(A1), as_of=NOON + timedelta(days=1)))

    assert house.refresh().known("a")["errors"].at == NOON


def test_a_time_without_a_zone_is_refused_in_words(house: House) -> None:
    house.sources["file"] = source(load_errors=replace(columns(A1), as_of=datetime(2026, 11, 20)))  # noqa: DTZ001  # so

    assert "expected as_of with a time zone" in line(house.refresh(), "file", "errors").note
