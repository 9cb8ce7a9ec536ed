"""What the names of workflows tell, compared with what ReqMgr2 said about the same workflows."""

from __future__ import annotations

import csv
import gzip
import json
import time
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.model import Workflow
from wwt_framework.testing import ErrorSourceContract
from wwt_plugins.errors.cms_names import read_name, read_names, requested_at

MC = "pdmvserv_task_HIG-RunIIFall18wmLHEGS-00388__v1_T_181126_083424_8286"


class TestContract(ErrorSourceContract):
    plugin = "errors.cms_names"
    workflow = MC

    def break_source(self, it):
        """There is nothing that could break: it reads names."""


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("name", "prep_id", "campaign", "request_type", "at"),
    [
        (MC, "task_HIG-RunIIFall18wmLHEGS-00388", "RunIIFall18wmLHEGS", "TaskChain", utc(2018, 11, 26, 7, 34, 24)),
        (
            "pdmvserv_SUS-RunIISpring16FSPremix-00055_00034_v0__160929_122033_2363",
            "SUS-RunIISpring16FSPremix-00055", "RunIISpring16FSPremix", "", utc(2016, 9, 29, 10, 20, 33),
        ),
        (
            "cmsunified_task_B2G-RunIIFall17wmLHEGS-01269__v1_T_190430_171203_4342",
            "task_B2G-RunIIFall17wmLHEGS-01269", "RunIIFall17wmLHEGS", "", utc(2019, 4, 30, 15, 12, 3),
        ),
        (
            "fabozzi_Run2016H-v1-ZeroBiasIsolatedBunch5-09Nov2016_8023_161109_181336_2225",
            "", "", "ReReco", utc(2016, 11, 9, 17, 13, 36),
        ),
        (
            "prebello_HIRun2018A-v1-HIMinimumBias18-04Apr2019_1033p1_190417_231158_9841",
            "", "", "ReReco", utc(2019, 4, 17, 21, 11, 58),
        ),
        (
            "vlimant_ACDC0_task_HIG-RunIIFall17wmLHEGS-01415__v1_T_180706_152554_7772",
            "task_HIG-RunIIFall17wmLHEGS-01415", "RunIIFall17wmLHEGS", "Resubmission", utc(2018, 7, 6, 13, 25, 54),
        ),
        (
            "cmsunified_ACDC2_Run2018D_SingleMuon_UL2018_MiniAODv2_210611_134613_5924",
            "", "", "Resubmission", utc(2021, 6, 11, 11, 46, 13),
        ),
        (
            "jen_a_ACDC_task_TOP-RunIISummer15wmLHEGS-00398__v1_T_170101_000000_1",
            "task_TOP-RunIISummer15wmLHEGS-00398", "RunIISummer15wmLHEGS", "Resubmission", utc(2016, 12, 31, 23, 0),
        ),
        (
            "asikdar_RVCMSSW_10_6_0_pre4RunMuOnia2017F__RelVal_muOnia2017F_190424_081746_1984",
            "", "", "TaskChain", utc(2019, 4, 24, 6, 17, 46),
        ),
        ("somebody_something_190424_081746_19", "", "", "", utc(2019, 4, 24, 6, 17, 46)),
    ],
)  # fmt: skip
def test_name_tells(name, prep_id, campaign, request_type, at):
    assert read_name(name) == Workflow(
        name, prep_id=prep_id, campaign=campaign, request_type=request_type, requested_at=at
    )


@pytest.mark.parametrize(
    "name", ["", "wf", "a_b", "x_190424_081746", "x_190424_081746_12345", "x_19042_081746_1", "\ud800"]
)
def test_name_in_no_known_form_tells_nothing(name):
    assert read_names([name]) == []


@pytest.mark.parametrize("stamp", ["191324_081746", "190431_081746", "190424_251746", "190424_086046", "190424_081760"])
def test_date_that_is_none_is_not_told(stamp):
    assert read_name(f"x_{stamp}_1").requested_at is None


def test_original_is_told_by_a_name_that_holds_its_date_and_its_rest():
    acdc = "linacre_ACDC_ReReco13JulCosmics_120809_130020_117_120823_200309_5735"
    original = "jbadillo_ReReco13JulCosmics_120809_130020_117"

    assert [w.original for w in read_names([acdc, original])] == [original, ""]


def test_original_is_not_told_where_nobody_has_that_name():
    (acdc,) = read_names(["linacre_ACDC_ReReco13JulCosmics_120809_130020_117_120823_200309_5735"])

    assert acdc.original == ""


def test_original_is_not_guessed_from_a_request_string_that_a_clone_has_too():
    acdc = "vlimant_ACDC0_task_HIG-RunIIFall17wmLHEGS-01415__v1_T_180706_152554_7772"
    original = "pdmvserv_task_HIG-RunIIFall17wmLHEGS-01415__v1_T_180606_152554_1"

    assert [w.original for w in read_names([acdc, original])] == ["", ""]


@pytest.fixture(scope="module")
def at_cern():
    """``time.localtime`` with the clocks of CERN, by the rule itself: not every machine has a database of zones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield time.localtime
    time.tzset()


@given(seconds=st.integers(1_262_304_000, 2_145_916_800))  # 2010 to 2037
def test_local_time_of_cern_becomes_utc(at_cern, seconds):
    stamp = time.strftime("%y%m%d_%H%M%S", at_cern(seconds))
    comes_again = time.strftime("%y%m%d_%H%M%S", at_cern(seconds - 3600)) == stamp  # each October, and is taken as such

    assert requested_at(stamp).timestamp() == seconds - 3600 * comes_again


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("190331_015959", utc(2019, 3, 31, 0, 59, 59)),
        ("190331_030000", utc(2019, 3, 31, 1, 0, 0)),
        ("191027_015959", utc(2019, 10, 26, 23, 59, 59)),
        ("191027_020000", utc(2019, 10, 27, 0, 0, 0)),
        ("191027_030000", utc(2019, 10, 27, 2, 0, 0)),
    ],
)
def test_clocks_change_on_the_last_sundays(stamp, at):
    assert requested_at(stamp) == at


@given(
    st.text(max_size=60) | st.from_regex(r"[a-z]+_(ACDC[0-9]?_){0,3}[A-Za-z0-9_-]{0,20}_[0-9]{6}_[0-9]{6}_[0-9]{1,4}")
)
def test_any_name_is_taken(name):
    for workflow in read_names([name, name]):
        assert workflow.name == name


# -- real names --


@pytest.fixture(scope="module")
def real(test_data):
    text = gzip.decompress((test_data / "reqmgr2/reconstructed_requests_190624.jsonl.gz").read_bytes())
    return [json.loads(line) for line in text.splitlines()]


def test_real_prep_ids_are_as_reqmgr2_has_them(real):
    wrong = [r["RequestName"] for r in real if read_name(r["RequestName"]).prep_id != (r.get("PrepID") or "")]

    assert wrong == []


def test_real_dates_are_those_of_the_first_transition(real):
    first = {r["RequestName"]: r["RequestTransition"][0]["UpdateTime"] for r in real}

    assert {name: read_name(name).requested_at.timestamp() for name in first} == first


def test_real_types_are_right_or_not_told(real):
    told = [(read_name(r["RequestName"]).request_type, r["RequestType"]) for r in real]

    assert [pair for pair in told if pair[0] and pair[0] != pair[1]] == []
    assert sum(bool(mine) for mine, _ in told) == 911  # of 923: Unified's own requests may be of two types


def test_real_names_of_2019_are_all_in_a_known_form(test_data):
    with (test_data / "workflows/monit_workflow_names_2019.csv").open() as file:
        names = [row["workflow"] for row in csv.DictReader(file)]
    found = read_names(names)

    assert len(found) == len(names) == 3004
    assert sum(bool(w.prep_id) for w in found) == 2365
    assert all(w.requested_at and w.requested_at.year in (2017, 2018, 2019) for w in found)


def test_real_campaigns_are_in_unified(test_data):
    known = set()
    for name in ("campaigns.json", "archive_campaigns.json"):
        known.update(json.loads((test_data / "unified" / name).read_text()))
    with (test_data / "workflows/monit_workflow_names_2019.csv").open() as file:
        told = {w.campaign for w in read_names(row["workflow"] for row in csv.DictReader(file))} - {""}

    assert len(told & known) / len(told) > 0.9
