"""The exit codes of CMS in plain words, and from when to when a word holds."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timezone
from itertools import groupby, pairwise

import pytest

from wwt_framework.testing import ErrorSourceContract
from wwt_plugins.errors.cms_exit_codes import every_meaning

CATEGORIES = {"input", "memory", "time", "site", "stage-out", "application", "agent", "configuration"}


class TestContract(ErrorSourceContract):
    plugin = "errors.cms_exit_codes"

    def break_source(self, it):
        """There is nothing that could break: its file is a part of it."""


@pytest.fixture
def describe(wwt_plugin):
    plugin = wwt_plugin("errors.cms_exit_codes")

    def at(year, month=1, day=1):
        codes = plugin.ask("describe_exit_codes", at=datetime(year, month, day, tzinfo=timezone.utc))
        return {code.code: code for code in codes}

    return at


@pytest.mark.parametrize(
    "file",
    [
        "wmcore_WM_JOB_ERROR_CODES", "cmsexitcodes_service_2024", "aierrorhandling_ErrorCodes",
        "workflowwebtools_PROCEDURES",
    ],
)  # fmt: skip
def test_every_code_of_the_lists_is_known(describe, test_data, file):
    codes = set(map(int, json.loads((test_data / f"exitcodes/{file}.json").read_text())))

    assert sorted(codes - describe(2026).keys()) == []


@pytest.mark.parametrize("file", ["actionshistory_20190730_by_exitcode", "wmstats_190624_by_exitcode"])
def test_every_code_that_was_seen_is_known(describe, test_data, file):
    with (test_data / f"statistics/{file}.csv").open() as rows:
        codes = {int(row["exit_code"]) for row in csv.DictReader(rows)}

    assert sorted(codes - describe(2019, 6).keys()) == []


def test_short_words_are_at_most_five():
    assert [code.short for code in every_meaning() if not 1 <= len(code.short.split()) <= 5] == []


def test_every_meaning_is_complete():
    for code in every_meaning():
        assert code.meaning.endswith("."), code
        assert code.advice.endswith("."), code
        assert code.source, code
        assert code.category in CATEGORIES, code


def test_no_two_meanings_of_a_code_hold_at_the_same_time():
    forever = datetime(9999, 1, 1, tzinfo=timezone.utc)
    begin = datetime(1, 1, 1, tzinfo=timezone.utc)
    for _, group in groupby(sorted(every_meaning(), key=lambda c: (c.code, c.since or begin)), key=lambda c: c.code):
        for earlier, later in pairwise(group):
            assert (earlier.until or forever) <= (later.since or begin), later


def test_not_reported_is_described(describe):
    assert describe(2026)[-1].short == "not reported"


def test_drain_and_missing_description_changed_places_in_february_2020(describe):
    assert [describe(2019)[code].short for code in (71103, 71104)] == [
        "job description unreadable",
        "only site in drain",
    ]
    assert [describe(2021)[code].short for code in (71103, 71104)] == ["only site in drain", "job description missing"]


def test_code_that_did_not_exist_yet_is_not_described(describe):
    assert 71105 not in describe(2019)
    assert 71105 in describe(2021)


@pytest.mark.parametrize(("shell", "full"), [(84, 8020), (85, 8021), (92, 8028), (53, 8501), (73, 8009), (97, 8033)])
def test_code_of_the_shell_is_that_of_cmssw_cut_to_eight_bits_until_2019(describe, shell, full):
    assert full % 256 == shell
    assert str(full) in describe(2018)[shell].meaning
    assert describe(2018)[shell].meaning != describe(2020)[shell].meaning


def test_change_holds_from_the_first_moment_of_its_day(describe):
    assert describe(2019, 2, 14)[139].advice == describe(2019, 2, 15)[139].advice
    assert describe(2019, 2, 14)[139].meaning != describe(2019, 2, 15)[139].meaning
