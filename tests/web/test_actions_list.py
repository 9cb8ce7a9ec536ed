"""What was asked for and what became of it: the list, the page of one action, taking back, the book of reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.services.desk_world import GEN, OTHER, WF
from tests.web.acting_house import BROWSER, acting_app, client_of, fields_of
from tests.web.house import HOSTILE, Client, Got, Installation
from wwt_framework.model import Action, ActionState, Reason
from wwt_framework.plugin import ExecutorWord
from wwt_framework.store import ledger


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Installation]:
    app = acting_app(tmp_path)
    yield app
    app.clockwork.stop()
    app.store.close()


@pytest.fixture
def olga(app: Installation) -> Client:
    client = client_of(app)
    client.sign_in("olga")
    return client


def add(app: Installation, workflow: str = WF, kind: str = "acdc", user: str = "olga", **more: Any) -> Action:
    now = datetime.now(timezone.utc)
    told: dict[str, Any] = {"values": {}, "task_values": {}, "reasons": (), **more}
    action = Action(
        uuid4().hex, kind, workflow, user=user, state=ActionState.QUEUED, submitted_at=now, changed_at=now, **told
    )
    return ledger.submit(app.store, [action]).kept[0]


def text_of(got: Got) -> str:
    return " ".join("".join(got.dom().find(".//main").itertext()).split())


def listed(client: Client, query: str = "") -> list[str]:
    """The workflows of the list, as it stands in the page."""
    rows = [tr for tr in client.get(f"/actions{query}").dom().iter("tr") if tr.get("data-row") is not None]
    return [(tr.find("th").find(".//bdi").get("title") or tr.find("th").find(".//bdi").text) for tr in rows]


def change(client: Client, action: Action, step: str, **more: Any) -> Got:
    form = {"csrf_token": client.csrf_token(), "step": step, **more}
    return client.post(f"/actions/{action.id}", form=form, headers=BROWSER)


def state_of(app: Installation, action: Action) -> ActionState:
    return ledger.action(app.store, action.id).state


# -- the list --


def test_an_empty_list_says_why_it_is_empty(olga: Client) -> None:
    assert "Nobody has asked for an action yet" in text_of(olga.get("/actions"))


def test_the_newest_action_comes_first(app: Installation, olga: Client) -> None:
    add(app, WF)
    add(app, OTHER)

    assert listed(olga) == [OTHER, WF]


def test_the_state_is_a_sentence(app: Installation, olga: Client) -> None:
    add(app)

    assert "queued just now, not yet fetched" in text_of(olga.get("/actions"))


def test_the_list_is_chosen_from_by_state_kind_person_text_and_reason(app: Installation, olga: Client) -> None:
    add(app, WF, reasons=(Reason("100% lost", "Files are lost."),))
    add(app, OTHER, "clone", "ivan")
    ledger.hand_out(app.store, "unified")
    add(app, "later")

    assert listed(olga, "?state=sent") == [OTHER, WF]
    assert listed(olga, "?state=queued") == ["later"]
    assert listed(olga, "?kind=clone") == [OTHER]
    assert listed(olga, "?user=ivan") == [OTHER]
    assert listed(olga, "?search=TOP-Run") == [WF]
    assert listed(olga, "?reason=100%25+lost") == [WF]
    assert listed(olga, "?reason=lost") == []
    assert listed(olga, "?days=1&state=done") == []


@pytest.mark.parametrize("query", ["state=gone", "days=soon", "page=0", "page=-1", "page=x"])
def test_a_filter_that_can_not_be_meant_is_told(olga: Client, query: str) -> None:
    assert olga.get(f"/actions?{query}").status == 400


def test_the_list_comes_in_pages(app: Installation, olga: Client) -> None:
    for number in range(51):
        add(app, f"workflow{number}")

    assert (len(listed(olga)), listed(olga, "?page=2")) == (50, ["workflow0"])
    assert "There is no page 3" in text_of(olga.get("/actions?page=3"))


def test_the_list_is_there_as_json_and_csv_whole(app: Installation, olga: Client) -> None:
    for number in range(51):
        add(app, f"workflow{number}", values={"memory": 4000})
    told = olga.get("/actions?format=json").json

    assert len(told) == 51
    assert (told[0]["workflow"], told[0]["state"], told[0]["values"]) == ("workflow50", "queued", {"memory": 4000})
    assert olga.get("/actions?format=csv").text.count("\r\n") == 52


def test_whoever_may_not_act_reads_and_is_told_what_is_missing(app: Installation) -> None:
    action = add(app)
    vera = client_of(app)
    vera.sign_in("vera")
    got = vera.get(f"/actions/{action.id}")

    assert "needs the role operator" in text_of(vera.get("/actions"))
    assert "Changing it needs the role operator" in text_of(got)
    assert list(got.dom().find(".//main").iter("button")) == []
    assert change(vera, action, "withdraw").status == 403


def test_another_submits_result_is_only_its_owners(app: Installation, olga: Client) -> None:
    form = fields_of(olga.get(f"/submitaction?workflow={WF}&kind=acdc"), "act")
    draft = olga.post("/submitaction", form={**form, "step": "preview"}, headers=BROWSER).header("Location")
    olga.post("/submitaction", form={**fields_of(olga.get(draft)), "step": "submit"}, headers=BROWSER)
    ivan = client_of(app)
    ivan.sign_in("adam")

    assert "ACDC queued for 1 workflow" in text_of(olga.get(f"/actions?draft={form['draft']}"))
    assert "Actions of one submit" in text_of(ivan.get(f"/actions?draft={form['draft']}"))


# -- one action --


def test_the_page_of_an_action_tells_what_why_and_its_life(app: Installation, olga: Client) -> None:
    action = add(
        app,
        task_values={GEN: {"splitting": "3x", "sites": ["T1_US_FNAL"]}},
        reasons=(Reason("lost", "Gone for good."),),
    )
    ledger.hand_out(app.store, "unified")
    said = text_of(olga.get(f"/actions/{action.id}"))

    for part in (
        GEN,
        "Splitting 3x",
        "T1_US_FNAL",
        "lost Gone for good.",
        "queued",
        "by olga",
        "fetched",
        "by unified",
    ):
        assert part in said


def test_what_the_executor_said_of_each_task_is_told(app: Installation, olga: Client) -> None:
    action = add(app, task_values={GEN: {}})
    ledger.hand_out(app.store, "unified")
    ledger.say(
        app.store, "unified",
        {action.id: [ExecutorWord("rejected", GEN, "no input left"), ExecutorWord("created", request="op_ACDC0_x")]},
    )  # fmt: skip
    said = text_of(olga.get(f"/actions/{action.id}"))

    assert "rejected no input left" in said
    assert "op_ACDC0_x" in said


def test_what_was_known_at_the_decision_is_kept_with_it(app: Installation, olga: Client) -> None:
    form = fields_of(olga.get(f"/submitaction?workflow={WF}&kind=acdc"), "act")
    draft = olga.post("/submitaction", form={**form, "step": "preview"}, headers=BROWSER).header("Location")
    olga.post("/submitaction", form={**fields_of(olga.get(draft)), "step": "submit"}, headers=BROWSER)
    (action,) = ledger.actions_on(app.store, WF)
    got = olga.get(f"/actions/{action.id}")

    assert "650 failed jobs in 3 cells" in text_of(got)
    assert "Failed to open the file" in text_of(got)
    assert olga.get(f"/actions/{action.id}?format=json").json["evidence"]["errors_total"] == 650


def test_an_unknown_action_is_not_found(olga: Client) -> None:
    assert olga.get("/actions/nothing").status == 404


def test_no_text_becomes_markup_on_the_page_of_an_action(app: Installation, olga: Client) -> None:
    for name in HOSTILE:
        action = add(
            app, name[:300], kind=name[:50], user=name[:50], values={name: name}, task_values={name: {name: name}},
            reasons=(Reason(name, name),), acdcs=(name,), note=name, reference=name,
        )  # fmt: skip
        ledger.hand_out(app.store, name[:50])
        ledger.say(app.store, name[:50], {action.id: [ExecutorWord(name, name, name, name)]})
        for address in (f"/actions/{action.id}", "/actions"):
            tags = {element.tag for element in olga.get(address).dom().find(".//main").iter()}
            assert not tags & {"script", "img", "b"}


# -- taking back --


def test_a_queued_action_is_undone_by_one_press(app: Installation, olga: Client) -> None:
    action = add(app)
    got = change(olga, action, "withdraw")

    assert (got.status, got.header("Location")) == (303, f"/actions/{action.id}")
    assert state_of(app, action) is ActionState.WITHDRAWN
    assert "taken back just now" in text_of(olga.get(f"/actions/{action.id}"))


def test_of_an_action_that_was_undone_in_time_it_is_said_that_no_executor_had_it(
    app: Installation, olga: Client
) -> None:
    action = add(app)
    change(olga, action, "withdraw")

    assert "Nothing: no executor ever had it." in text_of(olga.get(f"/actions/{action.id}"))


def test_one_that_was_fetched_is_taken_back_only_with_open_eyes(app: Installation, olga: Client) -> None:
    action = add(app)
    ledger.hand_out(app.store, "unified")
    page = olga.get(f"/actions/{action.id}")
    blind = change(olga, action, "withdraw")

    assert "may carry it out all the same" in text_of(page)
    assert (blind.status, state_of(app, action)) == (422, ActionState.SENT)
    assert change(olga, action, "withdraw", confirm="yes").status == 303
    assert state_of(app, action) is ActionState.WITHDRAWN


def test_one_that_is_done_can_not_be_taken_back(app: Installation, olga: Client) -> None:
    action = add(app)
    ledger.hand_out(app.store, "unified")
    ledger.report(app.store, "unified", [WF])

    assert change(olga, action, "withdraw").status == 409
    assert state_of(app, action) is ActionState.DONE


def test_one_that_failed_is_queued_again(app: Installation, olga: Client) -> None:
    action = add(app)
    ledger.move(app.store, action.id, ActionState.FAILED, "unified", "no such task")
    change(olga, action, "requeue")

    assert state_of(app, action) is ActionState.QUEUED


def test_editing_begins_with_what_was_asked_for(app: Installation, olga: Client) -> None:
    action = add(app, task_values={GEN: {"memory": 5000, "sites": ["T1_US_FNAL"]}}, reasons=(Reason("", "because"),))
    form = fields_of(olga.get(f"/submitaction?edit={action.id}"), "act")

    assert (form[f"task.{GEN}.memory"], form[f"sites.{GEN}"], form["longreason1"]) == ("5000", "T1_US_FNAL", "because")
    assert (form["method"], form["only_task"]) == ("manual", GEN)


def test_what_is_edited_takes_the_place_of_the_old(app: Installation, olga: Client) -> None:
    action = add(app, task_values={GEN: {"memory": 5000, "sites": ["T1_US_FNAL"]}})
    form = fields_of(olga.get(f"/submitaction?edit={action.id}"), "act")
    form[f"task.{GEN}.memory"] = "6000"
    draft = olga.post("/submitaction", form={**form, "step": "preview"}, headers=BROWSER).header("Location")
    olga.post("/submitaction", form={**fields_of(olga.get(draft)), "step": "submit", "confirm": "yes"}, headers=BROWSER)
    old, new = ledger.actions_on(app.store, WF)

    assert (old.state, new.task_values) == (ActionState.SUPERSEDED, {GEN: {"memory": 6000, "sites": ["T1_US_FNAL"]}})


@pytest.mark.parametrize("step", ["", "done", "execute"])
def test_nothing_else_can_be_done_to_an_action(app: Installation, olga: Client, step: str) -> None:
    assert change(olga, add(app), step).status == 400


def test_another_page_on_the_web_takes_nothing_back(app: Installation, olga: Client) -> None:
    action = add(app)
    form = {"csrf_token": olga.csrf_token(), "step": "withdraw"}

    assert olga.post(f"/actions/{action.id}", form=form, headers={"Origin": "http://evil.example"}).status == 403
    assert olga.post(f"/actions/{action.id}", form={"step": "withdraw"}, headers=BROWSER).status == 403
    assert state_of(app, action) is ActionState.QUEUED


# -- the book of reasons --


def write(client: Client, **form: str) -> Got:
    return client.post("/reasons", form={"csrf_token": client.csrf_token(), **form}, headers=BROWSER)


def test_f5_a_reason_is_added_with_who_wrote_it(app: Installation, olga: Client) -> None:
    write(olga, short="lost", long="Files are lost.")
    (entry,) = ledger.book_entries(app.store)

    assert (entry.reason, entry.user, entry.uses) == (Reason("lost", "Files are lost."), "olga", 0)
    assert "lost Files are lost. never" in text_of(olga.get("/reasons"))


def test_f5_without_a_long_text_the_short_one_is_it(app: Installation, olga: Client) -> None:
    write(olga, short="lost")

    assert ledger.reasons(app.store) == [Reason("lost", "lost")]


def test_f5_a_taken_short_name_is_told_with_the_old_text(app: Installation, olga: Client) -> None:
    write(olga, short="lost", long="Files are lost.")
    got = write(olga, short="LOST ", long="Something else.")

    assert got.status == 422
    assert "The short name lost is taken; it says: Files are lost." in text_of(got)
    assert ledger.reasons(app.store) == [Reason("lost", "Files are lost.")]


def test_a_reason_gets_another_text_and_actions_keep_theirs(app: Installation, olga: Client) -> None:
    write(olga, short="lost", long="Files are lost.")
    action = add(app, reasons=(Reason("lost", "Files are lost."),))
    write(olga, step="change", short="lost", long="Files are lost for good.")

    assert ledger.reasons(app.store) == [Reason("lost", "Files are lost for good.")]
    assert ledger.action(app.store, action.id).reasons == (Reason("lost", "Files are lost."),)


@pytest.mark.parametrize("form", [{"short": ""}, {"short": "x" * 201}, {"short": "x", "long": "y" * 10_001}])
def test_what_is_no_reason_is_told(app: Installation, olga: Client, form: dict[str, str]) -> None:
    assert write(olga, **form).status == 422
    assert ledger.reasons(app.store) == []


def test_changing_a_reason_that_is_not_there_is_not_found(olga: Client) -> None:
    assert write(olga, step="change", short="lost", long="x").status == 404


def test_only_operators_write_in_the_book(app: Installation) -> None:
    vera = client_of(app)
    vera.sign_in("vera")

    assert write(vera, short="lost").status == 403
    assert "Writing in the book needs the role operator" in text_of(vera.get("/reasons"))


def test_no_reason_becomes_markup(app: Installation, olga: Client) -> None:
    ledger.add_reasons(app.store, [Reason(name, name) for name in HOSTILE], "ivan")
    tags = {element.tag for element in olga.get("/reasons").dom().find(".//main").iter()}

    assert not tags & {"script", "img", "b"}


def test_the_book_is_there_as_json(app: Installation, olga: Client) -> None:
    write(olga, short="lost", long="Files are lost.")
    (told,) = olga.get("/reasons?format=json").json

    assert (told["short"], told["long"], told["user"], told["uses"]) == ("lost", "Files are lost.", "olga", 0)


# -- taking a whole submit back --


def undo_all(client: Client, draft: str) -> Got:
    return client.post("/actions", form={"csrf_token": client.csrf_token(), "draft": draft}, headers=BROWSER)


def submitted(app: Installation, draft: str) -> list[Action]:
    """Two actions of one submit, the first of which an executor has fetched, and one of another submit."""
    now = datetime.now(timezone.utc)

    def made(workflow: str) -> Action:
        return Action(uuid4().hex, "acdc", workflow, {}, {}, (), "olga", ActionState.QUEUED, now, now)

    first, second, other = made(WF), made(OTHER), made(GEN)
    ledger.submit(app.store, [first], draft)
    ledger.hand_out(app.store, "unified")
    with app.store.write():
        ledger.submit(app.store, [second], "")
        table = app.store.tables.action
        table.update(draft=draft).where(table.id == second.id).execute()
    ledger.submit(app.store, [other], "another")
    return [first, second, other]


def test_a_whole_submit_is_taken_back_as_far_as_no_executor_has_it(app: Installation, olga: Client) -> None:
    actions = submitted(app, "d1")

    undo_all(olga, "d1")

    assert [ledger.action(app.store, action.id).state.value for action in actions] == ["sent", "withdrawn", "queued"]


def test_actions_without_a_submit_are_not_taken_back_by_an_empty_name(app: Installation, olga: Client) -> None:
    action = add(app)

    undo_all(olga, "")

    assert ledger.action(app.store, action.id).state is ActionState.QUEUED


def test_a_viewer_takes_no_submit_back(app: Installation) -> None:
    actions = submitted(app, "d1")
    vera = client_of(app)
    vera.sign_in("vera")

    got = undo_all(vera, "d1")

    assert got.status == 403
    assert ledger.action(app.store, actions[1].id).state is ActionState.QUEUED
