"""A snapshot folder gives back what was put into it, and says so when it is not whole."""

from __future__ import annotations

import gc
import sqlite3
from datetime import datetime, timedelta, timezone

import pytest

from wwt_framework import snapshot
from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import WwtError
from wwt_framework.model import (
    ChainLink,
    ErrorCount,
    ExitCode,
    Known,
    LogExcerpt,
    Readiness,
    Recovery,
    Rejected,
    SiteStatus,
    SourceReport,
    Task,
    Workflow,
)

NOON = datetime(2019, 6, 24, 12, 0, tzinfo=timezone.utc)
WORKFLOW = Workflow(
    "wf", "PREP-1", "Camp", "TaskChain", "completed", 110000, NOON - timedelta(days=3), "", 1000, 0.25,
    (Task("/wf/t", "Processing", "EventBased"),), {"Memory": {"t": 2000}, 1: None},
)  # fmt: skip
ACDC = Workflow("op_ACDC0_wf", "PREP-1", "Camp", "Resubmission", requested_at=NOON, original="wf")
COUNTS = [ErrorCount("/wf/t", 85, "T1_US_FNAL", 7), ErrorCount("/wf/t", -1, "T2_CH_CERN", 1)]
LOG = LogExcerpt("/wf/t", 85, "T1_US_FNAL", "Read <Error>", "a\ttext\n", "https://x/y", 4,
                 (ChainLink("first", 99), ChainLink("second")), NOON, ("/store/a.root",))  # fmt: skip


@pytest.fixture
def parts():
    return snapshot.SnapshotParts(
        version="20190624T120000-1",
        taken_at=NOON,
        workflows=[WORKFLOW, ACDC, Workflow("alone")],
        errors=ErrorColumns.of(COUNTS),
        errors_state={"wf": snapshot.OLD},
        errors_at={"wf": NOON - timedelta(hours=2)},
        known=[("wf", Known("logs", "errors.x", "partial", NOON, "one agent silent"))],
        logs=[("wf", LOG)],
        recoveries=[("wf", Recovery("/wf/t", frozenset({"T1_US_FNAL"}), 500, {"T1_US_FNAL": 500}))],
        sites=[SiteStatus("T1_US_FNAL", Readiness.YELLOW, "drain", NOON, "https://x")],
        exit_codes=[ExitCode(85, "read error", "A file could not be read.", since=NOON)],
        sources=[
            SourceReport("errors.x", "errors", "partial", NOON, NOON, 1.5, "", (Rejected("/q/t > 85", "why", "q"),), 1)
        ],
    )


@pytest.fixture
def opened(parts, tmp_path):
    snapshot.write(tmp_path, parts)
    return snapshot.open_snapshot(tmp_path)


def test_a_case_is_all_that_was_told(opened):
    case = opened.case("wf")

    assert case.workflow.tasks == WORKFLOW.tasks
    assert case.workflow.parameters == {"Memory": {"t": 2000}, "1": None}  # JSON has no other keys than text
    assert (case.workflow.failure_rate, case.workflow.requested_at) == (0.25, WORKFLOW.requested_at)
    assert set(case.errors) == set(COUNTS)
    assert case.logs == (LOG,)
    assert case.recoveries == (Recovery("/wf/t", frozenset({"T1_US_FNAL"}), 500, {"T1_US_FNAL": 500}),)
    assert case.acdcs == ("op_ACDC0_wf",)


def test_how_far_counts_can_be_trusted_is_kept(opened):
    known = opened.known("wf")

    assert known["errors"] == Known("errors", "", "old", NOON - timedelta(hours=2))
    assert known["logs"] == Known("logs", "errors.x", "partial", NOON, "one agent silent")


def test_a_workflow_without_a_prep_id_has_no_family(opened):
    assert (opened.case("alone").family, opened.workflow("alone").prep_id) == ((), "")


def test_the_workflows_of_a_prep_id_come_oldest_first(opened):
    prep = opened.preps.find("PREP-1")

    assert [opened.cube.workflows[i] for i in opened.prep_workflows(prep)] == ["wf", "op_ACDC0_wf"]


def test_what_sources_told_about_themselves_sites_and_codes_is_kept(opened, parts):
    assert opened.sources == tuple(parts.sources)
    assert opened.site_statuses() == {"T1_US_FNAL": parts.sites[0]}
    assert opened.exit_codes == {85: parts.exit_codes[0]}


def test_logs_are_found_by_workflow_by_code_and_by_task(opened):
    assert opened.logs("wf", 85, "/wf/t") == [LOG]
    assert opened.logs("wf", 86) == opened.logs("wf", 85, "/wf/other") == opened.logs("none") == []
    assert (opened.log_codes("wf"), opened.global_logs(85)) == ({85}, [LOG])


def test_a_workflow_that_is_not_there_is_none(opened):
    assert (opened.case("nobody"), opened.workflow("nobody"), opened.known("nobody")) == (None, None, {})


def test_the_status_of_a_workflow_is_told_without_looking_further(opened):
    assert [opened.status(name) for name in ("wf", "alone", "nobody")] == ["completed", "", ""]


def test_a_long_text_is_cut_and_says_so(parts, tmp_path):
    parts.logs = [("wf", LogExcerpt("/wf/t", 85, "T1", text="ü" * 10_000))]
    snapshot.write(tmp_path, parts)

    (log,) = snapshot.open_snapshot(tmp_path).logs("wf")

    assert len(log.text.encode()) <= 8192
    assert log.text.endswith("[... cut here, 20,000 bytes in all]")


def test_lone_surrogates_from_outside_do_not_stop_a_snapshot(parts, tmp_path):
    parts.logs = [("wf", LogExcerpt("/wf/t", 85, "T1\ud800", "type\udfff", "text\ud800"))]
    snapshot.write(tmp_path, parts)

    (log,) = snapshot.open_snapshot(tmp_path).logs("wf")

    assert (log.site, log.error_type, log.text) == ("T1?", "type?", "text?")


def test_the_same_text_is_stored_once(parts, tmp_path):
    parts.logs = [("wf", LogExcerpt("/wf/t", 85, f"T{i}", text="same")) for i in range(5)]
    snapshot.write(tmp_path, parts)

    rows = snapshot.open_snapshot(tmp_path).detail._rows("select count(*) from text")

    assert rows == [(1,)]


@pytest.mark.parametrize("lost", ["meta.json", "columns.bin", "detail.db"])
def test_a_folder_that_lacks_a_file_is_refused_in_words(parts, tmp_path, lost):
    snapshot.write(tmp_path, parts)
    (tmp_path / lost).unlink()

    with pytest.raises(WwtError, match="this snapshot is not whole"):
        snapshot.open_snapshot(tmp_path)


@pytest.mark.parametrize("cut", ["meta.json", "columns.bin", "detail.db"])
def test_a_file_that_was_cut_off_is_refused_in_words(parts, tmp_path, cut):
    snapshot.write(tmp_path, parts)
    (tmp_path / cut).write_bytes((tmp_path / cut).read_bytes()[:60])

    with pytest.raises(WwtError, match="this snapshot is not whole"):
        snapshot.open_snapshot(tmp_path)


def test_an_open_snapshot_stays_readable_when_its_folder_goes(opened, tmp_path):
    for file in tmp_path.iterdir():
        file.unlink()

    assert opened.case("wf").errors.total == 8


def test_letting_go_of_a_snapshot_closes_its_file(parts, tmp_path):
    snapshot.write(tmp_path, parts)
    held = snapshot.open_snapshot(tmp_path)
    file = held.detail._db

    del held
    gc.collect()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        file.execute("select 1")


def test_an_empty_world_can_be_written_and_read(tmp_path):
    snapshot.write(tmp_path, snapshot.SnapshotParts("v", NOON))

    assert snapshot.open_snapshot(tmp_path).case("wf") is None


def test_before_the_first_refresh_there_is_an_empty_snapshot():
    empty = snapshot.Snapshot.empty()

    assert (empty.is_empty, len(empty.workflow_names()), empty.case("x"), empty.logs("x")) == (True, 0, None, [])


def test_what_many_pages_need_is_made_once(opened):
    made = []

    for _ in range(2):
        opened.remember("key", lambda: made.append(1))

    assert made == [1]
