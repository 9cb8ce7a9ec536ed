"""The protocol as the clients of old speak it: one connection that stays, a body on GET, a tuple of names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.plugins.actions.conftest import KEY, OldClient, Served
from wwt_framework.model import ActionState, Reason
from wwt_framework.store import ledger

Clients = Callable[..., OldClient]


@pytest.mark.slow
def test_j1_j2_an_old_client_fetches_acts_and_reports_over_one_connection(served: Served, connect: Clients) -> None:
    first, second = served.submit("wf1_a"), served.submit("wf1_b")
    client = connect(served)

    fetched = client.get_actions()
    connection = client.connection.sock
    again = client.get_actions()
    reported = client.remove_action("wf1_a", "wf1_b")

    assert list(fetched) == ["wf1_a", "wf1_b"]
    assert again == fetched
    assert reported
    assert client.get_actions() == {}
    assert client.connection.sock is connection
    assert [served.state(first), served.state(second)] == [ActionState.DONE, ActionState.DONE]


@pytest.mark.slow
def test_j2_an_old_client_reconnects_after_the_connection_broke(served: Served, connect: Clients) -> None:
    served.submit("wf2_a")
    client = connect(served)
    client.get_actions()
    client.connection.sock.close()  # as a server does that was started anew

    assert client.remove_action("wf2_a")


def test_j2_a_name_reported_before_is_no_success(served: Served, connect: Clients) -> None:
    served.submit("wf3_a")
    client = connect(served)
    client.get_actions()

    assert [client.remove_action("wf3_a"), client.remove_action("wf3_a")] == [True, False]


def test_j2_names_that_no_workflow_has_do_not_exist_and_the_others_are_reported(
    served: Served, connect: Clients
) -> None:
    action = served.submit("wf_beside_strange")
    strange = ["half a pair \ud83d", "nul \0", ""]

    status, answer = connect(served).report("wf_beside_strange", *strange)

    assert status == 200
    assert (answer["success"], answer["does_not_exist"]) == (["wf_beside_strange"], strange)
    assert served.state(action) is ActionState.DONE


@pytest.mark.slow
def test_j1_the_key_in_the_body_opens_a_closed_installation_and_so_does_a_token(
    closed: Served, connect: Clients
) -> None:
    assert connect(closed).status_of_get() == 200
    assert connect(closed, "wrong").status_of_get() == 401
    assert connect(closed, "wrong").status_of_get(Authorization=f"Bearer {closed.token}") == 200
    assert connect(closed, "wrong").status_of_get(Authorization="Bearer nobody's") == 401


def test_the_key_opens_no_other_page_of_a_closed_installation_and_a_token_reads(
    closed: Served, connect: Clients
) -> None:
    client = connect(closed)

    answers = [client._ask("GET", path, {"key": KEY}, {})[0] for path in ("/getprepids", "/api/v1/executor/claim")]
    with_token = client._ask("GET", "/getprepids", {}, {"Authorization": f"Bearer {closed.token}"})[0]

    assert answers == [401, 405]
    assert with_token == 200  # a machine may read


def test_hostile_text_arrives_as_it_was_written(served: Served, connect: Clients) -> None:
    text = "</script>\"'\\ \x00 \u2028 <b>é\U0001f600"
    served.submit("wf6_a", values={"comment": text}, kind="clone", reasons=(Reason("", f"{text}\r\nsecond line"),))

    client = connect(served)
    document = client.get_actions()["wf6_a"]
    client.remove_action("wf6_a")

    assert document["Parameters"]["comment"] == text
    assert document["Reasons"] == [f"{text}<br>second line"]
    assert document["Reason"] == f"{text}\nsecond line"


def test_an_executor_with_a_token_claims_and_says_what_became_of_each_task(served: Served, connect: Clients) -> None:
    action = served.submit("wf7_a", task_values={"T1": {"sites": ["T1_US_FNAL"]}, "T2": {"sites": ["T2_CH_CERN"]}})
    client = connect(served, key="")
    mine = {"Authorization": f"Bearer {served.token}"}
    other = {"Authorization": f"Bearer {served.other_token}"}

    def post(path: str, said: dict[str, Any], who: dict[str, str] = mine) -> tuple[int, Any]:
        return client._ask("POST", f"/api/v1/executor/{path}", said, who)

    taken = post("manifest", {"kinds": {"acdc": {"fields": ["sites"]}}, "version": "7"})
    claimed = post("claim", {})
    to_other = post("claim", {}, other)
    by_getaction = client.get_actions(**other)
    answer = {
        "action": action.id,
        "tasks": [
            {"task": "T1", "word": "created", "request": "olga_ACDC0_wf7_a"},
            {"task": "T2", "word": "rejected", "why": "nothing to recover"},
        ],
    }
    refused = post("answer", answer, other)
    twice = [post("answer", {**answer, "outcome": "done"}) for _ in range(2)]

    assert taken == (200, {"executor": "unified", "refused": []})
    assert [one["workflow"] for one in claimed[1]["actions"]] == ["wf7_a"]
    assert (to_other[1], by_getaction) == ({"actions": []}, {})
    assert refused[0] == 403
    assert refused[1]["error"] == "The action acdc on wf7_a was claimed by unified, not by other."
    assert twice == [(200, {"action": action.id, "state": "done"})] * 2
    assert [
        (word.word, word.task, word.why, word.request) for word in ledger.words(served.store, [action.id])[action.id]
    ] == [
        ("claimed", "", "", ""),
        ("created", "T1", "", "olga_ACDC0_wf7_a"),
        ("rejected", "T2", "nothing to recover", ""),
    ]
    assert ledger.action(served.store, action.id).reference == "olga_ACDC0_wf7_a"


def test_what_an_executor_says_wrongly_is_told_field_by_field(served: Served, connect: Clients) -> None:
    client = connect(served)

    status, said = client._ask(
        "POST", "/api/v1/executor/claim", {"limit": 0, "all": 1}, {"Authorization": f"Bearer {served.token}"}
    )

    assert status == 422
    assert "limit: Input should be greater than or equal to 1" in said["error"]
    assert "all: Extra inputs are not permitted" in said["error"]


@pytest.mark.parametrize(
    "said",
    [
        {}, {"key": KEY}, {"key": "another", "workflows": ["wf4_a"]}, {"workflows": ["wf4_a"]},
        {"key": KEY, "workflows": "wf4_a"}, {"key": KEY, "workflows": [4]}, {"key": [KEY], "workflows": None}, [], "wf4_a", None,
    ],
)  # fmt: skip
def test_o4_a_report_that_is_none_is_answered_with_what_is_wrong_and_changes_nothing(
    served: Served, connect: Clients, said: Any
) -> None:
    action = served.submit("wf4_a")
    client = connect(served)
    client.get_actions()

    status, answer = client._ask("POST", "/reportaction", said, {})

    assert status == 200
    assert not (answer["valid_key"] and answer["valid_format"])
    assert "success" not in answer
    assert served.state(action) is ActionState.SENT
