from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.case_world import (
    ALONE,
    BOUND,
    DARK,
    FIRST,
    GEN,
    HOSTILE_TEXT,
    KEPT,
    MERGE,
    ORIGINAL,
    PREP,
    SECOND,
    TAKEN,
    TEXT,
    case_world,
)
from wwt_framework import hookimpl
from wwt_framework.errors import NotFound
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Action, ActionState, Case, ExitCode, LogExcerpt, Workflow
from wwt_framework.plugin import Link
from wwt_framework.services.caselines import parameter_lines
from wwt_framework.services.casetables import anchor_of, long_rows, short_of, wide_rows
from wwt_framework.services.errortypes import type_words
from wwt_framework.services.explaining import explain, read_code
from wwt_framework.services.messages import alike
from wwt_framework.services.saylines import marked
from wwt_framework.services.triage import Examination, examine, plain_of, status_of
from wwt_framework.snapshot import Snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@pytest.fixture(scope="module")
def found(snapshot: Snapshot) -> Examination:
    return examine(snapshot, Hooks(), ORIGINAL)


# -- tables --


def test_p11_a_task_has_rows_of_its_codes_and_columns_of_its_sites_only(found: Examination) -> None:
    gen, merge = found.tables

    assert [(row.code, row.total) for row in gen.rows] == [(8028, 700), (71305, 280), (-1, 4)]
    assert [head.site for head in gen.sites] == ["T2_US_Purdue", "T2_CH_CERN", "T1_US_FNAL"]
    assert [row.cells for row in gen.rows] == [(610, 0, 90), (0, 280, 0), (0, 0, 4)]
    assert [(row.code, row.cells) for row in merge.rows] == [(8028, (200, 0)), (99999, (0, 20))]


def test_p11_not_reported_jobs_are_the_last_row_whatever_their_number(snapshot: Snapshot) -> None:
    table = examine(snapshot, Hooks(), ORIGINAL, "name").tables[0]

    assert [row.code for row in table.rows] == [8028, 71305, -1]
    assert table.rows[-1].label == "not reported"


def test_p11_sites_carry_readiness_and_production_in_words(found: Examination) -> None:
    heads = {head.site: (head.colour, head.readiness, head.production, head.status) for head in found.tables[0].sites}

    assert heads == {
        "T2_US_Purdue": ("red", "morgue", "drain", "morgue, drain"),
        "T2_CH_CERN": ("yellow", "waiting room", "enabled", "waiting room"),
        "T1_US_FNAL": ("green", "ready", "enabled", "ready"),
    }


def test_p9_tasks_are_told_with_their_type_short_name_and_anchor(found: Examination) -> None:
    table = found.tables[1]

    assert (table.task, table.short, table.anchor) == (MERGE, f"{PREP}_0/{PREP}_0MergeRAWSIMoutput", MERGE)
    assert (table.task_type, table.splitting, table.total) == ("Merge", "ParentlessMergeBySize", 220)


def test_p12_an_anchor_is_fit_for_an_address() -> None:
    assert anchor_of('/wf/Task 1"<') == "/wf/Task%201%22%3C"
    assert short_of("/wf/a/b") == "a/b"
    assert short_of("/wf") == "/wf"


def test_rows_and_columns_stand_by_name_where_that_is_wanted(snapshot: Snapshot) -> None:
    table = examine(snapshot, Hooks(), ORIGINAL, "name").tables[0]

    assert [head.site for head in table.sites] == ["T1_US_FNAL", "T2_CH_CERN", "T2_US_Purdue"]


def test_a_single_failure_is_not_hot_and_the_largest_count_is_hottest(found: Examination, snapshot: Snapshot) -> None:
    assert found.tables[0].rows[0].heats[0] == 5
    assert examine(snapshot, Hooks(), ALONE).tables[0].rows[0].heats == (2,)


def test_tables_become_sheets_with_zero_left_empty(found: Examination) -> None:
    head, rows = wide_rows(found.tables[1])

    assert head == ["exit code", "meaning", "total", "T2_CH_CERN", "T3_US_Somewhere"]
    assert rows == [[8028, "fallback open failed, too", 200, 200, None], [99999, "", 20, None, 20]]
    assert long_rows(found.tables[1:])[1] == [[MERGE, 8028, "T2_CH_CERN", 200], [MERGE, 99999, "T3_US_Somewhere", 20]]


# -- what is wrong --


def test_p9_the_dominant_code_is_the_most_frequent_of_those_that_agents_reported(found: Examination) -> None:
    assert found.dominant is not None
    assert (found.dominant.code, found.dominant.count) == (8028, 900)
    assert found.dominant.share == pytest.approx(900 / 1200)
    assert (found.dominant.short, found.dominant.meaning, found.dominant.advice) == (
        "fallback open failed, too",
        "The input file could not be opened.",
        "Check the file.",
    )


def test_jobs_that_only_the_acdc_server_knows_do_not_dominate(snapshot: Snapshot) -> None:
    found = examine(snapshot, Hooks(), ALONE)

    assert found.dominant is None
    assert (found.total, found.not_reported, found.codes[0].share) == (2, 2, None)


def test_p9_types_of_errors_are_told_first_causes_apart_from_what_followed(found: Examination) -> None:
    line = found.codes[0]

    assert [(t.words, t.count) for t in line.causes] == [("Fatal Exception (Exit code: 8028)", 16)]
    assert [(t.words, t.count) for t in line.follows] == [("WMAgentStepExecutionError (Exit code: 8028)", 15)]


def test_a_code_without_logs_and_meaning_says_so(found: Examination) -> None:
    by_code = {line.code: line for line in found.codes}

    assert not by_code[71305].has_logs
    assert (by_code[99999].short, by_code[99999].meaning) == ("", "")


def test_a_site_that_holds_most_of_the_dominant_code_is_named_with_its_state(found: Examination) -> None:
    assert found.concentration == (
        "T2_US_Purdue holds 68 % of 8028 and takes no production jobs (drain since 2019-06-22)"
        " and is in the morgue by readiness."
    )


def test_an_error_type_that_is_a_whole_message_is_cut() -> None:
    assert type_words("x" * 500, 99109) == "x" * 159 + "… (Exit code: 99109)"
    assert type_words(" Misc.\nStageOut error: 99109\n", None) == "Misc. StageOut error: 99109"


# -- how complete --


@pytest.mark.parametrize(
    ("name", "state", "total", "words"),
    [
        (KEPT, "old", 5, "These counts are kept from an earlier answer"),
        (BOUND, "partial", 6, "These counts are lower bounds: there are at least so many failed jobs"),
        (DARK, "unknown", None, "How many jobs failed is not known: no source has answered for this workflow yet"),
    ],
)
def test_how_far_counts_can_be_trusted_is_said_in_words(
    snapshot: Snapshot, name: str, state: str, total: int | None, words: str
) -> None:
    found = examine(snapshot, Hooks(), name)

    assert (found.state, found.total, found.doubts[0].words) == (state, total, words)


def test_a_kept_count_says_of_when_it_is_and_why(snapshot: Snapshot) -> None:
    doubt = examine(snapshot, Hooks(), KEPT).doubts[0]

    assert (doubt.source, doubt.note, f"{doubt.at:%H:%M}") == ("errors.wmstats", "HTTP 502", "11:30")


def test_a_complete_workflow_without_errors_has_zero_of_them_and_no_doubt(snapshot: Snapshot) -> None:
    found = examine(snapshot, Hooks(), SECOND)

    assert (found.total, found.doubts, found.tables) == (0, (), ())


def test_lost_input_that_nobody_was_asked_about_is_not_known(snapshot: Snapshot) -> None:
    assert not examine(snapshot, Hooks(), FIRST).missing_known


def test_a_workflow_that_is_not_there_is_not_found(snapshot: Snapshot) -> None:
    with pytest.raises(NotFound, match="no_such_workflow"):
        examine(snapshot, Hooks(), "no_such_workflow")


# -- family, what is missing, parameters --


def test_p9_the_family_is_told_oldest_first_with_rounds_and_errors(found: Examination) -> None:
    assert [(r.workflow.name, r.here, r.errors, r.acdc_round) for r in found.family] == [
        (ORIGINAL, True, 1204, 0),
        (FIRST, False, 7, 1),
        (SECOND, False, 0, 2),
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [(ORIGINAL, "2 ACDCs so far"), (FIRST, "ACDC round 1 of 2"), (SECOND, "ACDC round 2 of 2"), (ALONE, "")],
)
def test_the_round_is_said_in_words(snapshot: Snapshot, name: str, words: str) -> None:
    assert examine(snapshot, Hooks(), name).round == words


def test_missing_events_are_told_by_task_and_site_those_with_most_first(found: Examination) -> None:
    gen, merge = found.missing

    assert (gen.task, gen.events, gen.sites) == (GEN, 3000, (("T2_CH_CERN", 2000), ("T1_US_FNAL", None)))
    assert (merge.events, merge.fake_files) == (None, True)


def test_p9_parameters_that_matter_come_first_and_memory_is_told_task_by_task(found: Examination) -> None:
    assert [(p.label, p.value) for p in found.parameters] == [
        ("Request type", "TaskChain"),
        ("Sub-type", "MC"),
        ("Memory (MB)", "all: 4000, gen: 2000, digi: 16000"),
        ("Cores", "8"),
        ("Estimated jobs", "24000"),
    ]
    assert [p.name for p in found.more_parameters] == ["Comment", "SiteWhitelist", "Task1", "Task2"]
    assert found.more_parameters[1].value == "T1_US_FNAL, T2_CH_CERN"


def test_memory_by_task_as_reqmgr2_writes_it_is_shown_task_by_task() -> None:
    important, _ = parameter_lines(Workflow("w", parameters={"Memory": {"GEN": 2000, "RECO": 8000}, "Multicore": 4}))

    assert {line.name: line.value for line in important}["Memory"] == "GEN: 2000, RECO: 8000"


def test_p9_a_number_of_jobs_that_nobody_knows_is_complained_of() -> None:
    important, _ = parameter_lines(Workflow("w", request_type="ReReco"))

    assert (important[0].value, important[4].value, important[4].complaint) == (
        "ReReco",
        "",
        "number of jobs not known",
    )


# -- plugins --


class Links:
    @hookimpl
    def show_links(self, case: Case) -> list[Link]:
        return [Link("ReqMgr2", f"https://example.org/{case.workflow.prep_id}")]


class Broken:
    @hookimpl
    def show_links(self) -> list[Link]:
        raise RuntimeError("no links today")


def test_p9_links_come_from_plugins_and_a_broken_one_is_named(snapshot: Snapshot) -> None:
    hooks = Hooks()
    hooks.register("errors.broken", Broken(), deadline_s=60)
    hooks.register("errors.links", Links(), deadline_s=60)
    found = examine(snapshot, hooks, ORIGINAL)

    assert found.links == (Link("ReqMgr2", f"https://example.org/{PREP}"),)
    assert len(found.complaints) == 1
    assert "errors.broken" in found.complaints[0]
    assert "no links today" in found.complaints[0]


# -- the state of actions, and the twin in JSON --


def acted(state: ActionState) -> Action:
    return Action("1", "acdc", ORIGINAL, {}, {}, (), "olga", state, TAKEN, TAKEN)


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([], "none"),
        ([ActionState.QUEUED], "pending"),
        ([ActionState.DONE, ActionState.SENT], "pending"),
        ([ActionState.DONE, ActionState.WITHDRAWN], "acted"),
        ([ActionState.WITHDRAWN, ActionState.FAILED, ActionState.SUPERSEDED], "none"),
    ],
)
def test_p10_actions_make_a_status(states: list[ActionState], word: str) -> None:
    assert status_of(map(acted, states)) == word


def test_the_json_twin_tells_the_same_counts_and_that_something_is_not_known(
    snapshot: Snapshot, found: Examination
) -> None:
    told = plain_of(found)

    assert told["errors"]["total"] == 1204
    assert told["tasks"][0]["codes"][0] == {
        "code": 8028,
        "total": 700,
        "sites": {"T2_US_Purdue": 610, "T1_US_FNAL": 90},
    }
    assert plain_of(examine(snapshot, Hooks(), DARK))["errors"]["total"] is None
    assert plain_of(examine(snapshot, Hooks(), FIRST))["missing"] is None


# -- logs --


def test_p12_identical_texts_are_shown_once_with_their_count_and_sites(snapshot: Snapshot) -> None:
    found = explain(snapshot, 8028, GEN)

    assert [(said.count, said.sites) for said in found.sayings] == [
        (15, (("T2_US_Purdue", 12), ("T1_US_FNAL", 3))),
        (1, (("T1_US_FNAL", 1),)),
    ]
    assert found.sayings[0].chain == (
        "Fatal Exception (Exit code: 8028)",
        "WMAgentStepExecutionError (Exit code: 8028)",
    )
    assert (found.jobs, found.failed, found.elsewhere) == (16, 700, False)


def test_p12_a_task_without_logs_is_answered_with_those_of_all_tasks(snapshot: Snapshot) -> None:
    found = explain(snapshot, 8028, MERGE)

    assert found.elsewhere
    assert {task for said in found.sayings for task, _, _ in said.tasks} == {GEN}
    assert (found.failed, found.anchor) == (200, MERGE)


def test_p12_a_code_that_nobody_has_is_an_empty_answer(snapshot: Snapshot) -> None:
    found = explain(snapshot, 12345, GEN)

    assert (found.found, found.elsewhere, found.failed) == (0, False, 0)


def test_o5_without_a_workflow_the_commonest_texts_of_all_are_told(snapshot: Snapshot) -> None:
    found = explain(snapshot, 8028)

    assert (found.sayings[0].count, found.sayings[0].chain[0]) == (15, "Fatal Exception (Exit code: 8028)")
    assert (found.failed, found.told) == (
        907,
        ExitCode(
            8028,
            "fallback open failed, too",
            "The input file could not be opened.",
            "input",
            "Check the file.",
            source="list",
        ),
    )


def test_logs_of_one_site_only(snapshot: Snapshot) -> None:
    found = explain(snapshot, 8028, GEN, "T2_US_Purdue")

    assert [said.sites for said in found.sayings] == [(("T2_US_Purdue", 12),)]
    assert found.failed == 610


def test_logs_of_a_workflow_that_is_not_there_are_not_found(snapshot: Snapshot) -> None:
    with pytest.raises(NotFound, match="nobody"):
        explain(snapshot, 8028, "/nobody/task")


def test_a_workflow_can_be_given_without_task_and_without_slash(snapshot: Snapshot) -> None:
    assert explain(snapshot, 8028, ORIGINAL).found == explain(snapshot, 8028, f"/{ORIGINAL}").found == 2
    assert explain(snapshot, 8028, f"/{ORIGINAL}/").task == ""


def test_addresses_of_whole_logs_are_web_addresses_only(snapshot: Snapshot) -> None:
    assert [said.urls for said in explain(snapshot, 8028, GEN).sayings] == [("https://logs.example.org/1",), ()]


def test_lines_that_tell_what_went_wrong_are_marked() -> None:
    assert [line.text for line in marked(TEXT) if line.key] == [
        "An exception of category 'FallbackFileOpenError' occurred while",
        "Exception Message:",
        "Failed to open the file '/store/mc/a.root'",
    ]
    assert [line.text for line in marked("a\nJob has exceeded maxPSS: 2000 MB\nb") if line.key] == [
        "Job has exceeded maxPSS: 2000 MB"
    ]
    assert not any(line.key for line in marked("nothing of note\nat all"))


def test_no_character_of_a_text_is_lost_or_changed() -> None:
    assert "\n".join(line.text for line in marked(HOSTILE_TEXT)) == HOSTILE_TEXT


def test_many_texts_come_in_pages(tmp_path: Path) -> None:
    said = alike(LogExcerpt("/w/t", 85, f"S{i}", text=f"text {i}") for i in range(100))

    assert len(said) == 100
    assert [one.number for one in said[:2]] == [1, 2]


@pytest.mark.parametrize(
    ("text", "code"),
    [("8028", 8028), ("-1", -1), ("NotReported", -1), ("", None), ("8028x", None), ("9" * 20, None), ("\u0668", None)],
)
def test_p12_an_exit_code_is_read_from_an_address(text: str, code: int | None) -> None:
    assert read_code(text) == code
