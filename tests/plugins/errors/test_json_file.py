"""What json_file makes of good files, and of files in which single things are wrong."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from wwt_framework.cube import ErrorCube
from wwt_framework.errors import SourceError
from wwt_framework.testing import ErrorSourceContract
from wwt_plugins.errors.json_file import read_json

GOOD = {
    "/wf/task": {"8028": {"T1_US_FNAL": 3, "T2_CH_CERN": 1}, "NotReported": {"T2_CH_CERN": 0, "T1_US_FNAL": 4}},
    "/wf/task/merge": {"60450": {"T1_US_FNAL": 2}},
    "/quiet/task": {"85": {"T1_US_FNAL": 0}},
}


class TestContract(ErrorSourceContract):
    plugin = "errors.json_file"
    workflow = "wf"

    def make_options(self, folder):
        self.file = folder / "all_errors.json"
        self.file.write_text(json.dumps(GOOD))
        return {"path": str(self.file)}

    def break_source(self, it):
        self.file.write_text(json.dumps(GOOD)[:-20])

    def spoil_one_cell(self, it):
        self.file.write_text(json.dumps({**GOOD, "/wf/task": {"85": {"T1_US_FNAL": None}}}))
        return "wf"


def read(document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_json(data, "all_errors.json")


def cells(found):
    e = found.errors
    rows = zip(*(np.asarray(column).tolist() for column in (e.task, e.code, e.site, e.count)), strict=True)
    return {(e.tasks[t], e.codes[c], e.sites[s]): n for t, c, s, n in rows}


def names(found):
    return [workflow.name for workflow in found.workflows]


def faults(found):
    return {r.path: r.why for r in (found.workflows if found.errors is None else found.errors).rejected}


# -- the rules --


def test_d_a_cells_are_read_and_not_reported_counts_at_least_once():
    assert cells(read(GOOD)) == {
        ("/wf/task", 8028, "T1_US_FNAL"): 3,
        ("/wf/task", 8028, "T2_CH_CERN"): 1,
        ("/wf/task", -1, "T2_CH_CERN"): 1,
        ("/wf/task", -1, "T1_US_FNAL"): 4,
        ("/wf/task/merge", 60450, "T1_US_FNAL"): 2,
    }


def test_zero_is_no_cell_and_its_task_is_not_told():
    found = read(GOOD)

    assert list(found.errors.tasks) == ["/wf/task", "/wf/task/merge"]


def test_workflow_without_errors_is_known_to_have_none():
    assert "quiet" in read(GOOD).errors.workflows


@pytest.mark.parametrize("task", ["LogCollectForX", "XMergeLogCollect", "XCleanupUnmergedY"])
def test_d_a_tasks_that_collect_logs_or_clean_up_are_dropped(task):
    found = read({f"/wf/{task}": {"85": {"T1_US_FNAL": 3}}, f"/wf/{task}/after": {"85": {"T1_US_FNAL": 3}}})

    assert (cells(found), names(found), list(found.errors.workflows)) == ({}, ["wf"], ["wf"])


def test_workflow_may_be_called_after_cleaning_up():
    assert cells(read({"/op_Cleanup_campaign/task": {"85": {"T1_US_FNAL": 3}}}))


@pytest.mark.parametrize("code", ["abc", "", "12x", "-2", "8.5", "٣", "NotReportedYet"])
def test_d_a_codes_that_are_no_numbers_are_dropped_and_no_fault(code):
    found = read({"/wf/task": {code: {"T1_US_FNAL": 3}, "85": {"T1_US_FNAL": 1}}})

    assert (cells(found), faults(found)) == ({("/wf/task", 85, "T1_US_FNAL"): 1}, {})


def test_code_zero_is_kept():
    assert cells(read({"/wf/task": {"0": {"T1_US_FNAL": 3}}})) == {("/wf/task", 0, "T1_US_FNAL"): 3}


def test_strange_sites_of_real_files_are_kept():
    sites = {"null": 1, "Unknown": 2, "NoReportedSite": 3, "T1_US_FNAL_Disk": 4}

    assert {site: n for (_, _, site), n in cells(read({"/wf/task": {"85": sites}})).items()} == sites


@pytest.mark.parametrize(("written", "meant"), [("7", 7), (" 7 ", 7), ("7.0", 7), (7.0, 7), ("007", 7), (7, 7)])
def test_number_is_read_however_it_is_written(written, meant):
    assert cells(read({"/wf/task": {"85": {"A": written}}})) == {("/wf/task", 85, "A"): meant}


def test_order_of_workflows_is_that_of_the_file():
    found = read({"/z/t": {"85": {"A": 1}}, "/a/t": {"85": {"A": 1}}, "/z/u": {}})

    assert names(found) == ["z", "a"]


def test_empty_object_means_that_nothing_fails():
    found = read({})

    assert (names(found), len(found.errors)) == ([], 0)


# -- statuses.json --


def test_d_a_of_statuses_those_with_manual_in_them_are_listed_and_their_errors_stay_unknown():
    found = read({"a": ["assistance-manual", "completed"], "b": ["assistance"], "c": ["manual-x"], "d": []})

    assert names(found) == ["a", "c"]
    assert found.errors is None


def test_status_of_reqmgr2_is_taken_from_statuses():
    assert [w.status for w in read({"a": ["assistance-manual", "completed"], "b": ["manual"]}).workflows] == [
        "completed", "",
    ]  # fmt: skip


def test_statuses_that_can_not_be_read_are_named():
    found = read({"a": ["manual"], "b": ["manual", 3], "c": ["manual"], "d": None})

    assert (names(found), faults(found)) == (
        ["a", "c"],
        {"b": "expected a list of statuses, got a list of 2", "d": "expected a list of statuses, got null"},
    )


# -- what is wrong is named by its path, and the rest is kept --


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"null", "expected a number of failed jobs, got null"),
        (b"true", "expected a number of failed jobs, got true"),
        (b"[1]", "expected a number of failed jobs, got a list of 1"),
        (b'{"a": 1}', "expected a number of failed jobs, got an object of 1"),
        (b'"many"', "expected a number of failed jobs, got 'many'"),
        (b'""', "expected a number of failed jobs, got ''"),
        (b'"-3"', "expected a number of failed jobs, got '-3'"),
        (b'"1e3"', "expected a number of failed jobs, got '1e3'"),
        (b"1.5", "expected a number of failed jobs, got 1.5"),
        (b"NaN", "expected a number of failed jobs, got NaN"),
        (b"Infinity", "expected a number of failed jobs, got Infinity"),
        (b"-Infinity", "expected a number of failed jobs, got -Infinity"),
        (b"1e999", "expected a number of failed jobs, got Infinity"),
        (b"-1", "expected a number of failed jobs from 0 to 1,000,000,000, got -1"),
        (b"-1.0", "expected a number of failed jobs from 0 to 1,000,000,000, got -1"),
        (b"1000000001", "expected a number of failed jobs from 0 to 1,000,000,000, got 1000000001"),
        (b"9223372036854775808", "expected a number of failed jobs from 0 to 1,000,000,000, got 9223372036854775808"),
        (b"1" * 25, "expected a number of failed jobs from 0 to 1,000,000,000, got 1111111111111111092469760"),
        (b"1" * 400, "expected a number of failed jobs, got Infinity"),
        (b"1" * 9000, "expected a number of failed jobs, got Infinity"),
        (b'"' + b"9" * 99 + b'"', f"expected a number of failed jobs, got '{'9' * 60}'… (99 characters)"),
    ],
)
def test_count_that_is_none_is_named_and_its_neighbours_are_kept(value, why):
    found = read(b'{"/wf/task": {"85": {"A": 1, "B": %s, "C": 3}}, "/other/task": {"85": {"B": 2}}}' % value)

    assert faults(found) == {"/wf/task > 85 > B": why}
    assert [r.workflow for r in found.errors.rejected] == ["wf"]
    assert sorted(cells(found).values()) == [1, 2, 3]


@pytest.mark.parametrize("value", [None, 3, "x", [], True, [{"A": 1}]])
def test_nested_wrong_at_the_code_is_named(value):
    found = read({"/wf/task": {"85": value, "86": {"A": 1}}})

    assert list(faults(found)) == ["/wf/task > 85"]
    assert cells(found) == {("/wf/task", 86, "A"): 1}


@pytest.mark.parametrize("value", [None, 3, "x", [], True])
def test_nested_wrong_at_the_task_is_named(value):
    found = read({"/wf/task": value, "/wf/other": {"86": {"A": 1}}})

    assert [(r.path, r.workflow) for r in found.errors.rejected] == [("/wf/task", "wf")]
    assert cells(found) == {("/wf/other", 86, "A"): 1}


@pytest.mark.parametrize(
    "path", ["wf/task", "/wf", "/wf/", "//task", "/", "", "wf", "/wf//task", "/wf/task/", "/w\n/t"]
)
def test_path_that_is_no_task_is_named(path):
    found = read({path: {"85": {"A": 1}}, "/wf/other": {"86": {"A": 1}}})

    assert [(r.why, r.workflow) for r in found.errors.rejected] == [("expected /workflow/task", "")]
    assert names(found) == ["wf"]


@pytest.mark.parametrize("site", ["", "T1\n", "\x1b[31m", "x" * 300, "\ud800"])
def test_name_that_is_no_site_is_named(site):
    found = read({"/wf/task": {"85": {site: 1, "A": 2}}})

    assert len(found.errors.rejected) == 1
    assert list(cells(found).values()) == [2]
    assert found.errors.rejected[0].path.isprintable()


def test_workflow_with_a_fault_is_listed_but_not_called_clean():
    found = read({"/wf/task": {"85": {"A": None}}, "/other/task": {}})

    assert (names(found), list(found.errors.workflows)) == (["wf", "other"], ["other"])


def test_exit_code_of_too_many_digits_is_named():
    assert list(faults(read({"/wf/task": {"12345678901": {"A": 1}, "85": {"A": 1}}}))) == ["/wf/task > 12345678901"]


# -- keys that come twice --


def test_site_that_comes_twice_is_named_and_neither_count_is_taken():
    found = read(b'{"/wf/task": {"85": {"A": 1, "A": 2, "B": 3}}}')

    assert faults(found) == {"/wf/task > 85 > A": "comes 2 times; expected once"}
    assert cells(found) == {("/wf/task", 85, "B"): 3}


def test_code_that_comes_twice_is_named():
    found = read(b'{"/wf/task": {"85": {"A": 1}, "85": {"B": 2}, "86": {"A": 3}}}')

    assert faults(found) == {"/wf/task > 85": "comes 2 times; expected once"}
    assert cells(found) == {("/wf/task", 86, "A"): 3}


def test_task_that_comes_twice_is_named_with_its_workflow():
    found = read(b'{"/wf/task": {"85": {"A": 1}}, "/o/t": {"85": {"A": 3}}, "/wf/task": {"85": {"A": 2}}}')

    assert [(r.path, r.workflow) for r in found.errors.rejected] == [("/wf/task", "wf")]
    assert cells(found) == {("/o/t", 85, "A"): 3}


def test_workflow_whose_only_task_comes_twice_is_still_listed():
    assert names(read(b'{"/wf/task": {}, "/o/t": {}, "/wf/task": {}}')) == ["o", "wf"]


def test_twice_is_found_between_spaces_and_behind_escapes():
    found = read(b'{"/wf/task" : {"85" : {"T1_A" : 1, "T1\\u005fA"\n:\n2}}}')

    assert faults(found) == {"/wf/task > 85 > T1_A": "comes 2 times; expected once"}


def test_colon_in_a_name_is_no_fault():
    assert cells(read({"/wf/ta:sk": {"85": {"A:B": 1}}})) == {("/wf/ta:sk", 85, "A:B"): 1}


def test_two_spellings_of_one_code_are_named_where_they_meet():
    found = read({"/wf/task": {"85": {"A": 1, "B": 2}, "085": {"A": 3, "C": 4}}, "/wf/other": {"085": {"A": 5}}})

    assert list(faults(found)) == ["/wf/task > 085 > A"]
    assert cells(found) == {
        ("/wf/task", 85, "A"): 1,
        ("/wf/task", 85, "B"): 2,
        ("/wf/task", 85, "C"): 4,
        ("/wf/other", 85, "A"): 5,
    }


def test_status_of_a_workflow_that_comes_twice_is_named():
    found = read(b'{"a": ["manual"], "b": ["manual"], "a": []}')

    assert (names(found), list(faults(found))) == (["b"], ["a"])


# -- many faults --


def test_faults_of_one_workflow_are_counted_after_twenty():
    found = read({"/wf/task": {"85": {f"S{i}": None for i in range(100)}}, "/o/t": {"85": {"A": None}}})

    rejected = [r for r in found.errors.rejected if r.workflow == "wf"]
    assert len(rejected) == 21
    assert rejected[-1].why == "and 80 more like these"
    assert "/o/t > 85 > A" in faults(found)


def test_file_of_which_nothing_can_be_read_is_refused_whole():
    with pytest.raises(SourceError, match=r"all_errors\.json: nothing of it can be read; the first fault: x: expected"):
        read({"x": 1, "y": 2})


@pytest.mark.parametrize(("axis", "most"), [("site", 5000), ("code", 2000)])
def test_file_that_names_more_than_any_grid_has_is_refused(axis, most):
    wide = (
        {"85": {f"S{i}": 1 for i in range(most + 1)}} if axis == "site" else {str(i): {"A": 1} for i in range(most + 1)}
    )

    with pytest.raises(SourceError, match="this is no errors file"):
        read({"/wf/task": wide})


# -- the real file --


@pytest.fixture(scope="module")
def real(test_data: Path) -> bytes:
    return gzip.decompress((test_data / "workflows/real_all_errors_190624.json.gz").read_bytes())


def test_real_file_gives_what_is_in_it(real):
    expected = Counter()
    for task, codes in json.loads(real).items():
        for code, sites in codes.items():
            for site, n in sites.items():
                expected[task, -1 if code == "NotReported" else int(code), site] += n or (code == "NotReported")

    found = read_json(real, "real")

    assert cells(found) == {cell: n for cell, n in expected.items() if n}
    assert found.errors.rejected == ()


def test_real_file_gives_every_workflow(real):
    expected = {task.split("/")[1] for task in json.loads(real)}

    assert set(names(read_json(real, "real"))) == expected


def test_real_file_makes_a_cube_with_its_failed_jobs(real):
    found = read_json(real, "real")
    expected = sum(
        n or (code == "NotReported")
        for codes in json.loads(real).values() for code, sites in codes.items() for n in sites.values()
    )  # fmt: skip

    assert ErrorCube.build(names(found), found.errors).total == expected


def test_gzip_is_read_as_it_stands(wwt_plugin, test_data):
    plugin = wwt_plugin("errors.json_file", path=str(test_data / "workflows/real_all_errors_190624.json.gz"))

    assert len(plugin.ask("list_workflows")) == 632


def test_counts_are_of_when_the_file_was_last_changed(tmp_path, wwt_plugin):
    path = tmp_path / "errors.json"
    path.write_text('{"/wf/t": {"85": {"T1": 1}}}')
    os.utime(path, (1_561_334_400, 1_561_334_400))

    columns = wwt_plugin("errors.json_file", path=str(path)).ask("load_errors", names=None)

    assert columns.as_of == datetime(2019, 6, 24, tzinfo=timezone.utc)
