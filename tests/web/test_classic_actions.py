"""The addresses with which scripts act, as the old console had them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import responses
from responses.matchers import query_param_matcher

from tests.services.case_world import FIRST, GEN, MERGE, ORIGINAL, case_world
from wwt_framework.model import ActionState, Reason
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import ledger
from wwt_framework.testing.running import Doors, running

SHORTS = [path.split("/", 2)[2] for path in (GEN, MERGE)]
PLUGINS = ("acdc", "clone", "special", "sites_to_run")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@pytest.fixture
def script(installation: Callable[..., Any], world: Snapshot, tmp_path: Path) -> Any:
    """A client of an installation with the shipped kinds; ask it with ``user="olga"``."""
    doors = Doors(tmp_path)
    seats = {f"actions.{name}": running(f"actions.{name}", {}, tmp_path, doors).plugin for name in PLUGINS}
    return installation(plugins=seats, snapshot=world)


def post(script: Any, path: str, said: Any, user: str = "olga") -> Any:
    return script.post(path, user=user, headers={"Accept": "*/*"}, json_body=said)


def document(workflow: str, kind: str = "acdc", reasons: tuple[str, ...] = (), /, **parameters: Any) -> dict[str, Any]:
    return {"workflow": workflow, "parameters": {"Action": kind, "Reasons": list(reasons), "Parameters": parameters}}


def test_j3_d3_every_document_of_a_submit_is_kept_in_the_name_of_who_signed_in(script: Any) -> None:
    first = document(
        ORIGINAL, "acdc", ("too little<br>memory",), **{SHORTS[0]: {"memory": "8000", "sites": ["T1_US_FNAL"]}}
    )
    got = post(script, "/submit2", {"documents": [first, document(FIRST, "special", action="by-pass")]})
    kept = ledger.open_actions(script.app.store)

    assert got.status == 200
    assert got.json["message"] == f"Done, status: {kept[0].id}, {kept[1].id}"
    assert [(one.workflow, one.kind, one.user) for one in kept] == [
        (ORIGINAL, "acdc", "olga"), (FIRST, "special", "olga"),
    ]  # fmt: skip
    assert kept[0].task_values == {SHORTS[0]: {"memory": 8000, "sites": ["T1_US_FNAL"]}}
    assert kept[0].reasons == (Reason("", "too little\nmemory"),)


def test_j3_a_later_submit_takes_the_place_of_an_earlier_one(script: Any) -> None:
    for action in ("by-pass", "on-hold"):
        post(script, "/submit2", {"documents": [document(FIRST, "special", action=action)]})

    assert [(one.state, one.values["action"]) for one in ledger.actions_on(script.app.store, FIRST)] == [
        (ActionState.SUPERSEDED, "by-pass"), (ActionState.QUEUED, "on-hold"),
    ]  # fmt: skip


def test_j3_a_document_that_can_not_be_kept_says_why_and_the_others_are_kept(script: Any) -> None:
    documents = [document("no_such_workflow"), document(FIRST, "special", action="by-pass"), "odd"]
    got = post(script, "/submit2", {"documents": documents})

    assert got.status == 200
    assert [one["state"] for one in got.json["documents"]] == ["missing", "queued", "blocked"]
    assert got.json["message"].split(", ")[1:] == ["status: -1", ledger.open_actions(script.app.store)[0].id, "-1"]
    assert all(one["why"] for one in got.json["documents"] if one["state"] != "queued")


def test_j3_when_nothing_was_kept_the_answer_is_no_success(script: Any) -> None:
    got = post(script, "/submit2", {"documents": [document(FIRST, "dance")]})

    assert (got.status, got.json["message"]) == (422, "Done, status: -1")
    assert "dance" in " ".join(got.json["documents"][0]["why"])


@pytest.mark.parametrize("said", [None, [], {"documents": []}, {"documents": "x"}])
def test_j3_what_is_no_list_of_documents_is_refused_in_words(script: Any, said: Any) -> None:
    got = post(script, "/submit2", said)

    assert got.status == 400
    assert got.json["error"].startswith("The body must be JSON like")


def test_j3_nobody_acts_without_signing_in_or_without_the_role(script: Any) -> None:
    said = {"documents": [document(FIRST, "special", action="by-pass")]}

    assert [post(script, "/submit2", said, user).status for user in ("", "vera")] == [401, 403]
    assert ledger.open_actions(script.app.store) == []


def test_j10_the_parameters_of_a_form_are_those_that_scripts_know(script: Any) -> None:
    got = script.get(f"/submissionparams?workflow={ORIGINAL}").json

    assert list(got) == ["submitted", "steps", "sitestorun", "allsites"]
    assert got["submitted"] == "None"
    assert got["steps"] == [GEN, MERGE]
    assert got["sitestorun"] == {GEN: ["T1_US_FNAL", "T2_CH_CERN"], MERGE: ["T1_US_FNAL", "T2_CH_CERN"]}
    assert got["allsites"] == [
        {"site": "T1_US_FNAL", "drain": "enabled"},
        {"site": "T2_CH_CERN", "drain": "enabled"},
        {"site": "T2_US_Purdue", "drain": "drain"},
    ]


def test_j10_submitted_is_the_time_of_the_last_action(script: Any) -> None:
    post(script, "/submit2", {"documents": [document(FIRST, "special", action="by-pass")]})
    (action,) = ledger.open_actions(script.app.store)

    assert (
        script.get(f"/submissionparams?workflow={FIRST}").json["submitted"]
        == f"{action.submitted_at:%Y-%m-%d %H:%M:%S}"
    )


def test_j10_of_an_unknown_workflow_nothing_is_told_but_the_sites(script: Any) -> None:
    got = script.get("/submissionparams?workflow=nobody").json

    assert (got["submitted"], got["steps"], got["sitestorun"], len(got["allsites"])) == ("None", [], {}, 3)


def test_j7_a_submitted_workflow_is_pending(script: Any) -> None:
    post(script, "/submit2", {"documents": [document(FIRST, "special", action="by-pass")]})

    assert script.get(f"/getstatus?workflow={FIRST}").json == {"status": "Pending"}


def test_j11_reasons_are_added_and_listed_by_short_name(script: Any) -> None:
    got = post(
        script, "/update_reasons", [{"short": "oom", "long": "too little\nmemory"}, {"short": "Site", "long": ""}]
    )

    assert (got.status, got.text, got.header("X-Reasons-New")) == (200, "OK", "2")
    assert script.get("/getreasons").json == [
        {"short": "Site", "long": "Site"}, {"short": "oom", "long": "too little<br>memory"},
    ]  # fmt: skip


def test_j11_a_short_name_that_is_taken_keeps_its_text_and_none_is_not_kept(script: Any) -> None:
    post(script, "/update_reasons", {"reasons": [{"short": "oom", "long": "first"}]})
    got = post(script, "/update_reasons", {"reasons": [{"short": "oom", "long": "second"}, {"short": "", "long": "x"}]})

    assert (got.text, got.header("X-Reasons-New")) == ("OK", "0")
    assert script.get("/getreasons").json == [{"short": "oom", "long": "first"}]


@pytest.mark.parametrize("said", [None, "oom", ["oom"], {"short": "oom"}])
def test_j11_what_is_no_list_of_reasons_is_refused(script: Any, said: Any) -> None:
    assert post(script, "/update_reasons", said).status == 400


@pytest.mark.parametrize("reason", [{"short": {"a": 1}}, {"short": "oom", "long": ["x"]}, {"short": True}])
def test_j11_a_reason_that_is_no_text_is_refused_and_nothing_is_kept(script: Any, reason: Any) -> None:
    got = post(script, "/update_reasons", [{"short": "fine", "long": "x"}, reason])

    assert (got.status, "must be a text" in got.json["error"]) == (400, True)
    assert script.get("/getreasons").json == []


def test_d6_the_book_of_reasons_is_not_open_to_everybody(script: Any) -> None:
    said = [{"short": "oom", "long": "x"}]

    assert [post(script, "/update_reasons", said, user).status for user in ("", "vera")] == [401, 403]
    assert script.get("/getreasons").json == []


def test_j17_the_page_of_automatic_acdcs_is_valid_and_shows_what_the_rules_say(
    installation: Callable[..., Any], world: Snapshot, tmp_path: Path
) -> None:
    rules = "http://rules.example.org/static_action"
    it = running("actions.auto_acdc", {"static": rules}, tmp_path, Doors(tmp_path))
    client = installation(plugins={"actions.auto_acdc": it.plugin}, snapshot=world)
    asked = client.get("/check_auto_acdc", user="olga").dom()
    token = next(i.get("value") for i in asked.iter("input") if i.get("name") == "csrf_token")
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(rules, match=[query_param_matcher({"wf": ORIGINAL})], json={
            "workflow": ORIGINAL, "parameters": {"Action": "<b>acdc</b>"},
        })  # fmt: skip
        mock.get(rules, json={})
        form = {"csrf_token": token}
        told = client.post("/check_auto_acdc", user="olga", form=form, headers={"Origin": "http://wwt.example"})

    assert "List what would be done" in [button.text for button in asked.iter("button")]
    assert "<b>acdc</b>" in [cell.text for cell in told.dom().iter("td")]


def test_p10_the_page_of_a_workflow_leads_to_its_automatic_acdc(
    installation: Callable[..., Any], world: Snapshot, tmp_path: Path
) -> None:
    rules = "http://rules.example.org/static_action"
    it = running("actions.auto_acdc", {"static": rules}, tmp_path, Doors(tmp_path))
    client = installation(plugins={"actions.auto_acdc": it.plugin}, snapshot=world)
    (link,) = (
        a.get("href") for a in client.get(f"/seeworkflow?workflow={ORIGINAL}").dom().iter("a")
        if a.text == "Parameters of the automatic ACDC"
    )  # fmt: skip
    said = {"workflow": ORIGINAL, "parameters": {"Action": "<b>acdc</b>", "Parameters": {"<i>T</i>": {"memory": 4000}}}}
    with responses.RequestsMock() as mock:
        mock.get(rules, match=[query_param_matcher({"wf": ORIGINAL})], json=said)
        told = client.get(link, headers={"Accept": "text/html"}).dom()
    with responses.RequestsMock() as mock:
        mock.get(rules, status=500)
        silent = client.get(link, headers={"Accept": "text/html"})

    assert [cell.text for cell in told.iter("td")][:3] == ["<b>acdc</b>", "auto", '{"memory": 4000}']
    assert "<i>T</i>" in [cell.text for cell in told.iter("th")]
    assert (silent.status, "What would be done is not known" in silent.text) == (502, True)
