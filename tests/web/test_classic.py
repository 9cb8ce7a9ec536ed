"""The JSON addresses of the old console: parameters, keys, values and orders as scripts know them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.services.case_world import (
    ALONE,
    BOUND,
    DARK,
    FIRST,
    GEN,
    KEPT,
    MERGE,
    ORIGINAL,
    PREP,
    SECOND,
    TAKEN,
    WORKFLOWS,
    case_world,
)
from tests.web.house import make_snapshot
from wwt_framework.model import Action, ActionState, ErrorCount, Workflow
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import ledger


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@pytest.fixture
def script(installation: Callable[..., Any], world: Snapshot) -> Callable[[str], Any]:
    """A program that asks as curl does."""
    client = installation(snapshot=world)

    def get(path: str, **headers: str) -> Any:
        return client.get(path, headers={"Accept": "*/*", **headers})

    get.client = client  # type: ignore[attr-defined]
    return get


def act(script: Any, workflow: str, done: bool) -> None:
    store = script.client.app.store
    action = Action(f"{workflow[-4:]}{done}", "acdc", workflow, {}, {}, (), "olga", ActionState.QUEUED, TAKEN, TAKEN)
    ledger.submit(store, [action])
    if done:
        ledger.move(store, action.id, ActionState.DONE, "unified")


def test_j5_getprepids_is_a_sorted_list(script: Any) -> None:
    got = script("/getprepids")

    assert got.json == [PREP, "NoPrepID"]
    assert got.header("Content-Type") == "application/json"


def test_j6_getworkflows_are_those_with_errors_by_request_time_with_their_status(script: Any) -> None:
    act(script, ORIGINAL, done=True)
    act(script, FIRST, done=False)

    assert script(f"/getworkflows?prepid={PREP}").json == [
        {"workflow": ORIGINAL, "status": "acted", "errors": 1204},
        {"workflow": FIRST, "status": "pending", "errors": 7},
    ]


def test_j6_a_workflow_without_action_is_none(script: Any) -> None:
    told = script("/getworkflows?prepid=NoPrepID").json

    assert {w["workflow"]: w["errors"] for w in told} == {ALONE: 2, KEPT: 5, BOUND: 6}
    assert {w["status"] for w in told} == {"none"}


@pytest.mark.parametrize(("done", "word"), [(None, "None"), (False, "Pending"), (True, "Acted")])
def test_j7_getstatus_is_a_word_with_a_capital(script: Any, done: bool | None, word: str) -> None:
    if done is not None:
        act(script, ORIGINAL, done)

    assert script(f"/getstatus?workflow={ORIGINAL}").json == {"status": word}


def test_j7_an_unknown_workflow_has_no_status(script: Any) -> None:
    assert script("/getstatus?workflow=nobody").json == {"status": "None"}


def test_j8_workflowerrors_tells_codes_as_numbers_and_not_reported_as_minus_one(script: Any) -> None:
    assert script(f"/workflowerrors?workflow={ORIGINAL}").json == [
        {
            "step": GEN,
            "codes": [
                {"code": -1, "sites": {"T1_US_FNAL": 4}},
                {"code": 8028, "sites": {"T1_US_FNAL": 90, "T2_US_Purdue": 610}},
                {"code": 71305, "sites": {"T2_CH_CERN": 280}},
            ],
            "allsites": ["T1_US_FNAL", "T2_CH_CERN", "T2_US_Purdue"],
        },
        {
            "step": MERGE,
            "codes": [
                {"code": 8028, "sites": {"T2_CH_CERN": 200}},
                {"code": 99999, "sites": {"T3_US_Somewhere": 20}},
            ],
            "allsites": ["T2_CH_CERN", "T3_US_Somewhere"],
        },
    ]


@pytest.mark.parametrize(
    ("name", "state"), [(ORIGINAL, "ok"), (SECOND, "ok"), (KEPT, "old"), (BOUND, "partial"), (DARK, "unknown")]
)
def test_j8_a_header_tells_an_empty_list_from_an_unknown_one(script: Any, name: str, state: str) -> None:
    got = script(f"/workflowerrors?workflow={name}")

    assert got.header("X-Errors-State") == state
    assert bool(got.json) == (name not in (SECOND, DARK))


def test_j9_wkfparams_are_the_parameters_as_reqmgr2_sent_them(script: Any) -> None:
    assert script(f"/wkfparams?workflow={ORIGINAL}").json == dict(WORKFLOWS[0].parameters)


@pytest.mark.parametrize("name", [FIRST, "nobody"])
def test_j9_wkfparams_without_an_answer_are_empty(script: Any, name: str) -> None:
    assert script(f"/wkfparams?workflow={name}").json == {}


def test_j12_sitestatuses_tell_readiness_and_drain_without_tier_3(script: Any) -> None:
    assert script("/sitestatuses").json == [
        {"site": "T1_US_FNAL", "status": "green", "drain": "enabled"},
        {"site": "T2_CH_CERN", "status": "yellow", "drain": "enabled"},
        {"site": "T2_US_Purdue", "status": "red", "drain": "drain"},
    ]


def test_j12_drainstatuses_tell_all_sites(script: Any) -> None:
    assert script("/drainstatuses").json == {
        "T1_US_FNAL": "enabled",
        "T2_CH_CERN": "enabled",
        "T2_US_Purdue": "drain",
        "T3_US_Somewhere": "disabled",
    }


@pytest.mark.parametrize("path", ["/assistance_manual", "/assistance_manual_recovered"])
def test_j18_nobody_waits_where_no_source_knows_what_unified_says(script: Any, path: str) -> None:
    assert script(path).json == []


@pytest.mark.parametrize(
    ("path", "waiting"), [("/assistance_manual", ["a", "c"]), ("/assistance_manual_recovered", ["b"])]
)
def test_j18_workflows_that_wait_are_listed_by_what_unified_says(
    installation: Callable[..., Any], tmp_path: Path, path: str, waiting: list[str]
) -> None:
    told = {
        "c": "assistance-manual",
        "b": "assistance-manual-recovered",
        "a": "assistance-manual",
        "d": "",
        "e": "manual",
    }
    workflows = [Workflow(name, assistance=assistance) for name, assistance in told.items()]
    client = installation(snapshot=make_snapshot(tmp_path / "v1", workflows=workflows))

    assert client.get(path).json == waiting


@pytest.mark.parametrize("path", ["/getworkflows", "/getstatus", "/workflowerrors", "/wkfparams"])
def test_j5_to_j9_a_missing_parameter_is_named_in_json(script: Any, path: str) -> None:
    got = script(path)
    name = "prepid" if path == "/getworkflows" else "workflow"

    assert (got.status, got.header("Content-Type")) == (400, "application/json")
    assert f"The address lacks {name}" in got.json["error"]


@pytest.mark.parametrize("path", ["/getworkflows?prepid=nobody", "/workflowerrors?workflow=nobody"])
def test_j6_j8_what_is_not_there_is_404_in_words(script: Any, path: str) -> None:
    got = script(path)

    assert got.status == 404
    assert "nobody" in got.json["error"]


def test_j5_to_j12_answers_that_did_not_change_are_not_sent_again(script: Any) -> None:
    for path in ("/getprepids", f"/workflowerrors?workflow={ORIGINAL}", "/sitestatuses"):
        tag = script(path).header("ETag")

        assert script(path, **{"If-None-Match": tag}).status == 304


@pytest.mark.parametrize("path", ["/getprepids/", f"/getstatus/?workflow={ORIGINAL}"])
def test_addresses_with_a_slash_at_the_end_are_the_same(script: Any, path: str) -> None:
    assert script(path).status == 200


def test_where_reading_is_closed_the_old_addresses_are_closed_too(installation: Any, world: Snapshot) -> None:
    client = installation(snapshot=world, open_reading=False)
    for path in ("/getprepids", "/sitestatuses", f"/seeworkflow?workflow={ORIGINAL}", "/explainerror?errorcode=85"):
        assert client.get(path, headers={"Accept": "*/*"}).status == 401
        assert client.get(path, user="vera").status == 200


def test_d9_hostile_names_come_through_json_unharmed(installation: Any, snapshot: Callable[..., Snapshot]) -> None:
    name, task = 'a"<b>&_é', '/a"<b>&_é/T <script>'
    client = installation(snapshot=snapshot([ErrorCount(task, 85, "T2_<i>", 1)], workflows=[Workflow(name, "P\u202e")]))

    assert client.get(f"/workflowerrors?workflow={quote(name)}").json == [
        {"step": task, "codes": [{"code": 85, "sites": {"T2_<i>": 1}}], "allsites": ["T2_<i>"]}
    ]
    assert client.get("/getprepids").json == ["P\u202e"]
