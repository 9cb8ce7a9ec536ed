from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest

from wwt_framework.errors import IllegalTransition, NotFound
from wwt_framework.model import TRANSITIONS, Action, ActionState, Reason
from wwt_framework.plugin import Reported
from wwt_framework.store import Store, ledger

QUEUED, SENT, DONE = ActionState.QUEUED, ActionState.SENT, ActionState.DONE
FAILED, WITHDRAWN, SUPERSEDED = ActionState.FAILED, ActionState.WITHDRAWN, ActionState.SUPERSEDED

#: A way from QUEUED to each state.
WAYS = {
    QUEUED: [], SENT: [SENT], DONE: [DONE], FAILED: [FAILED], WITHDRAWN: [WITHDRAWN], SUPERSEDED: [SUPERSEDED],
}  # fmt: skip


def wanted(store: Store, workflow: str, kind: str = "acdc", user: str = "olga", **fields: Any) -> Action:
    at = store.now()
    return Action(uuid.uuid4().hex, kind, workflow, {}, {}, (), user, QUEUED, at, at, **fields)


def asked_for(store: Store, workflow: str, **fields: Any) -> Action:
    (kept,) = ledger.submit(store, [wanted(store, workflow, **fields)]).kept
    return kept


def states(store: Store, workflow: str) -> list[ActionState]:
    return [action.state for action in ledger.actions_on(store, workflow)]


def test_an_action_comes_back_as_it_was_submitted(store: Store) -> None:
    at = store.now()
    action = Action(
        id="a1", kind="acdc", workflow="wf1",
        values={"memory": 8000, "sites": ["T2_CH_CERN"], "odd": "a\0b"},
        task_values={"Task1/Merge": {"xrootd": True, "cores": None}},
        reasons=(Reason("oom", "memory was short"), Reason("", "Öl")),
        user="olga", state=QUEUED, submitted_at=at, changed_at=at, reference="r", note="n",
    )  # fmt: skip
    ledger.submit(store, [action])

    assert ledger.action(store, "a1") == action


def test_an_unknown_action_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no action 'nope'"):
        ledger.action(store, "nope")


def test_a_newer_action_supersedes_what_is_open_or_failed_and_leaves_the_rest(store: Store) -> None:
    for state in (DONE, WITHDRAWN, FAILED):
        ledger.move(store, asked_for(store, "wf1").id, state, "olga")
    asked_for(store, "wf1", kind="clone", user="pavel")

    assert states(store, "wf1") == [DONE, WITHDRAWN, SUPERSEDED, QUEUED]


def test_superseding_says_who_asked_for_what_instead(store: Store) -> None:
    first = asked_for(store, "wf1")
    submitted = ledger.submit(store, [wanted(store, "wf1", "clone", "pavel")])

    assert [action.id for action in submitted.superseded] == [first.id]
    assert ledger.events(store, first.id)[-1].note == "pavel asked for clone instead"


def test_an_action_on_another_workflow_is_left_alone(store: Store) -> None:
    asked_for(store, "wf1")
    asked_for(store, "wf2")

    assert states(store, "wf1") == [QUEUED]


def test_a_submit_sent_twice_is_kept_once(store: Store) -> None:
    first = ledger.submit(store, [wanted(store, "wf1")], draft="d1")
    second = ledger.submit(store, [wanted(store, "wf1")], draft="d1")

    assert second.repeated
    assert second.kept == first.kept
    assert states(store, "wf1") == [QUEUED]


def test_a_workflow_on_which_a_colleague_acted_since_is_a_conflict_of_its_own(store: Store) -> None:
    seen = ledger.last_events(store, ["wf1", "wf2"])
    colleague = asked_for(store, "wf1", user="pavel")
    submitted = ledger.submit(store, [wanted(store, "wf1"), wanted(store, "wf2")], seen=seen)

    assert seen == {"wf1": 0, "wf2": 0}
    assert [action.workflow for action in submitted.kept] == ["wf2"]
    assert submitted.conflicts
    assert submitted.conflicts["wf1"].user == "pavel"
    assert [action.id for action in ledger.open_actions(store, ["wf1"])] == [colleague.id]


def test_one_bad_action_keeps_the_whole_submit_out(store: Store) -> None:
    bad = wanted(store, "wf2")
    with pytest.raises(IllegalTransition, match="An action begins as queued, not as sent"):
        ledger.submit(store, [wanted(store, "wf1"), Action(**{**_fields(bad), "state": SENT})])

    assert ledger.open_actions(store) == []


def _fields(action: Action) -> dict[str, Any]:
    return {name: getattr(action, name) for name in action.__dataclass_fields__}


@pytest.mark.parametrize("before", list(ActionState))
@pytest.mark.parametrize("after", list(ActionState))
def test_an_action_moves_only_as_the_table_of_transitions_says(before: ActionState, after: ActionState) -> None:
    store = Store.memory()
    action = asked_for(store, "wf1")
    for state in WAYS[before]:
        ledger.move(store, action.id, state, "olga")

    if after in TRANSITIONS[before]:
        assert ledger.move(store, action.id, after, "olga").state is after
    else:
        with pytest.raises(IllegalTransition, match=f"The action acdc on wf1 is {before.value} and can become"):
            ledger.move(store, action.id, after, "olga")
    store.close()


def test_every_move_is_an_event(store: Store, clock: Any) -> None:
    action = asked_for(store, "wf1")
    then = clock.go_on(minutes=5)
    ledger.move(store, action.id, SENT, "unified", "took it", reference="vlimant_ACDC0_wf1")

    first, second = ledger.events(store, action.id)
    assert (first.before, first.after, first.user) == (None, QUEUED, "olga")
    assert (second.before, second.after, second.user, second.note, second.at) == (
        QUEUED,
        SENT,
        "unified",
        "took it",
        then,
    )
    assert second.number > first.number
    moved = ledger.action(store, action.id)
    assert (moved.changed_at, moved.reference, moved.note) == (then, "vlimant_ACDC0_wf1", "took it")


def test_open_actions_are_queued_or_sent_oldest_first_and_since(store: Store, clock: Any) -> None:
    old = asked_for(store, "wf1")
    clock.go_on(days=2)
    sent, done = asked_for(store, "wf2"), asked_for(store, "wf3")
    ledger.move(store, sent.id, SENT, "unified")
    ledger.move(store, done.id, DONE, "unified")

    assert [action.workflow for action in ledger.open_actions(store)] == ["wf1", "wf2"]
    assert [action.workflow for action in ledger.open_actions(store, since=clock.now)] == ["wf2"]
    assert [action.workflow for action in ledger.open_actions(store, ["wf1", "wf3"])] == [old.workflow]


def test_actions_of_thousands_of_workflows_can_be_asked_at_once(store: Store) -> None:
    asked_for(store, "wf-0007")
    names = [f"wf-{number:04d}" for number in range(3000)]

    assert [action.workflow for action in ledger.open_actions(store, names)] == ["wf-0007"]


def test_p4_a_workflow_is_acted_for_as_long_as_the_history_reaches_and_pending_while_open(
    store: Store, clock: Any
) -> None:
    for name in ("done-long-ago", "done-today"):
        action = asked_for(store, name)
        ledger.move(store, action.id, DONE, "unified")
        clock.go_on(days=3)
    asked_for(store, "open-for-long")
    clock.go_on(days=9)
    again = asked_for(store, "done-today")
    ledger.move(store, again.id, DONE, "unified")
    asked_for(store, "withdrawn")
    ledger.move(store, ledger.actions_on(store, "withdrawn")[0].id, WITHDRAWN, "olga")

    since: datetime = clock.now
    clock.go_on(hours=1)
    assert ledger.marks(store, since) == {"done-today": "acted", "open-for-long": "pending"}
    assert ledger.marks(store)["done-long-ago"] == "acted"
    assert ledger.marks(store, workflows=["done-long-ago", "nobody"]) == {"done-long-ago": "acted"}


def test_a_rehearsed_action_was_never_done(store: Store) -> None:
    action = asked_for(store, "wf1")
    ledger.move(store, action.id, DONE, "actions.acdc", "rehearsed: would make an ACDC", rehearsed=True)

    assert ledger.done_actions(store) == []
    assert ledger.marks(store) == {}
    assert states(store, "wf1") == [DONE]


# -- the executor -------------------------------------------------------------


def test_what_is_handed_out_is_sent(store: Store) -> None:
    asked_for(store, "wf1")

    (action,) = ledger.hand_out(store, "unified")

    assert (action.workflow, action.state) == ("wf1", SENT)
    assert states(store, "wf1") == [SENT]
    assert ledger.events(store, action.id)[-1].user == "unified"


def test_what_was_handed_out_is_handed_out_again_until_it_is_reported(store: Store) -> None:
    asked_for(store, "wf1")
    first = ledger.hand_out(store, "unified")

    assert ledger.hand_out(store, "unified") == first
    ledger.report(store, "unified", ["wf1"])
    assert ledger.hand_out(store, "unified") == []


def test_only_what_was_submitted_since_is_handed_out_and_becomes_sent(store: Store, clock: Any) -> None:
    asked_for(store, "old")
    asked_for(store, "new") if clock.go_on(days=2) else None

    assert [action.workflow for action in ledger.hand_out(store, "unified", since=clock.now)] == ["new"]
    assert states(store, "old") == [QUEUED]


def test_kinds_that_others_carry_out_are_not_handed_out(store: Store) -> None:
    asked_for(store, "wf1", kind="acdc")
    asked_for(store, "wf2", kind="ggus-ticket")

    assert [action.workflow for action in ledger.hand_out(store, "unified", but=["ggus-ticket"])] == ["wf1"]
    assert states(store, "wf2") == [QUEUED]


@pytest.mark.parametrize("state", [WITHDRAWN, FAILED, DONE, SUPERSEDED])
def test_what_is_not_open_is_not_handed_out(store: Store, state: ActionState) -> None:
    ledger.move(store, asked_for(store, "wf1").id, state, "olga")

    assert ledger.hand_out(store, "unified") == []


def test_j2_a_report_closes_what_was_handed_out_and_says_so_once(store: Store) -> None:
    asked_for(store, "wf1")
    ledger.hand_out(store, "unified")

    assert ledger.report(store, "unified", ["wf1", "nowhere"]) == Reported(("wf1",), (), ("nowhere",))
    assert ledger.report(store, "unified", ["wf1"]) == Reported((), ("wf1",), ())
    assert states(store, "wf1") == [DONE]


def test_j2_a_name_reported_twice_in_one_report_is_already_reported_the_second_time(store: Store) -> None:
    asked_for(store, "wf1")
    ledger.hand_out(store, "unified")

    assert ledger.report(store, "unified", ["wf1", "wf1"]) == Reported(("wf1",), ("wf1",), ())


def test_j2_a_report_leaves_a_newer_action_open(store: Store) -> None:
    asked_for(store, "wf1")
    ledger.hand_out(store, "unified")
    asked_for(store, "wf1", kind="clone")

    assert ledger.report(store, "unified", ["wf1"]).success == ("wf1",)
    assert states(store, "wf1") == [SUPERSEDED, QUEUED]


def test_j2_a_report_closes_the_newer_action_once_that_one_was_handed_out(store: Store) -> None:
    asked_for(store, "wf1")
    ledger.hand_out(store, "unified")
    asked_for(store, "wf1", kind="clone")
    ledger.hand_out(store, "unified")

    assert ledger.report(store, "unified", ["wf1"]).success == ("wf1",)
    assert states(store, "wf1") == [SUPERSEDED, DONE]


@pytest.mark.parametrize("state", [WITHDRAWN, FAILED, SUPERSEDED])
def test_j2_an_action_that_left_meanwhile_is_a_success_once_and_stays_as_it_is(
    store: Store, state: ActionState
) -> None:
    action = asked_for(store, "wf1")
    ledger.hand_out(store, "unified")
    ledger.move(store, action.id, state, "olga")

    assert ledger.report(store, "unified", ["wf1"]).success == ("wf1",)
    assert ledger.report(store, "unified", ["wf1"]).already_reported == ("wf1",)
    last = ledger.events(store, action.id)[-1]
    assert (last.before, last.after, last.note) == (state, state, "reported all the same")


def test_j2_what_was_never_handed_out_can_be_reported_all_the_same(store: Store) -> None:
    asked_for(store, "wf1")

    assert ledger.report(store, "script", ["wf1"]).success == ("wf1",)
    assert states(store, "wf1") == [DONE]


def test_a_failed_action_that_is_queued_and_handed_out_again_is_what_a_report_closes(store: Store) -> None:
    action = asked_for(store, "wf1")
    ledger.hand_out(store, "unified")
    ledger.move(store, action.id, FAILED, "unified")
    ledger.move(store, action.id, QUEUED, "olga")
    ledger.hand_out(store, "unified")

    assert ledger.report(store, "unified", ["wf1"]).success == ("wf1",)
    assert states(store, "wf1") == [DONE]


def test_a_report_closes_nothing_that_another_executor_has_claimed(store: Store) -> None:
    action = asked_for(store, "wf1")
    ledger.claim(store, "unified", 10)

    assert ledger.report(store, "other", ["wf1"]) == Reported(does_not_exist=("wf1",))
    assert ledger.action(store, action.id).state is SENT
    assert ledger.report(store, "unified", ["wf1"]) == Reported(success=("wf1",))
