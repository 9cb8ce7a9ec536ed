"""What the desk keeps, on every database: drafts, the reason book, evidence; and how actions are found."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import Action, ActionState, Reason
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import ActionSearch

Q, S, D, F, W = (
    ActionState.QUEUED, ActionState.SENT, ActionState.DONE, ActionState.FAILED, ActionState.WITHDRAWN,
)  # fmt: skip


def asked_for(store: Store, workflow: str, draft: str = "", *, rehearsal: bool = False, **fields: Any) -> Action:
    now = store.now()
    told = {"kind": "acdc", "values": {}, "task_values": {}, "reasons": (), "user": "olga", "state": Q}
    action = Action(uuid.uuid4().hex, workflow=workflow, **{**told, "submitted_at": now, "changed_at": now, **fields})
    return ledger.submit(store, [action], draft, rehearsal=rehearsal).kept[0]


# -- many at once --


def test_hundreds_of_actions_are_kept_in_their_order_each_with_its_event(store):
    now = store.now()
    actions = [
        Action(f"a{i}", "acdc", f"w{i}", {"n": i}, {"T": {"sites": ["A"]}}, (Reason("s", "l"),), "olga", Q, now, now)
        for i in range(230)
    ]

    kept = ledger.submit(store, actions, "d1", {f"w{i}": 0 for i in range(230)})

    assert kept.kept == tuple(actions)
    assert ledger.open_actions(store) == actions
    assert [len(ledger.events(store, action.id)) for action in actions[::100]] == [1, 1, 1]
    assert ledger.last_events(store, ["w0", "w229", "w_other"]).keys() == {"w0", "w229", "w_other"}
    assert ledger.last_events(store, ["w_other"]) == {"w_other": 0}


def test_two_actions_on_one_workflow_in_one_submit_leave_the_later_one(store):
    now = store.now()
    first, second = (Action(i, "acdc", "w", {}, {}, (), "olga", Q, now, now) for i in ("a1", "a2"))

    told = ledger.submit(store, [first, second])

    assert [action.id for action in told.kept] == ["a1", "a2"]
    assert [action.id for action in told.superseded] == ["a1"]
    assert [action.id for action in ledger.open_actions(store)] == ["a2"]


def test_conflicts_among_many_keep_only_those_out(store):
    asked_for(store, "w1")
    now = store.now()
    actions = [Action(f"b{i}", "acdc", f"w{i}", {}, {}, (), "ivan", Q, now, now) for i in range(3)]

    told = ledger.submit(store, actions, "d1", dict.fromkeys(["w0", "w1", "w2"], 0))

    assert [action.workflow for action in told.kept] == ["w0", "w2"]
    assert {name: event.user for name, event in (told.conflicts or {}).items()} == {"w1": "olga"}


# -- drafts --


def test_draft_is_kept_changed_and_ended(store, clock):
    assert ledger.keep_draft(store, "d1", "olga", {"n": 1})
    clock.go_on(minutes=1)
    assert ledger.keep_draft(store, "d1", "olga", {"n": 2})

    draft = ledger.draft(store, "d1")
    ledger.end_draft(store, "d1", "olga", {"n": 3})
    ended = ledger.draft(store, "d1")

    assert (draft.content, draft.changed_at - draft.created_at) == ({"n": 2}, timedelta(minutes=1))
    assert (draft.submitted_at, ended.submitted_at, ended.content) == (None, store.now(), {"n": 3})


def test_draft_of_somebody_else_or_that_was_submitted_is_left_as_it_is(store):
    ledger.keep_draft(store, "d1", "olga", {"n": 1})

    assert not ledger.keep_draft(store, "d1", "ivan", {"n": 2})
    ledger.end_draft(store, "d1", "olga", {"n": 3})
    assert not ledger.keep_draft(store, "d1", "olga", {"n": 4})
    assert ledger.draft(store, "d1").content == {"n": 3}


def test_drafts_that_were_not_submitted_are_forgotten(store, clock):
    ledger.keep_draft(store, "old", "olga", {})
    ledger.end_draft(store, "ended", "olga", {})
    clock.go_on(days=8)
    ledger.keep_draft(store, "new", "olga", {})

    assert ledger.forget_drafts(store, store.now() - timedelta(days=7)) == 1
    assert ledger.find_draft(store, "old") is None
    assert {ledger.draft(store, name).id for name in ("ended", "new")} == {"ended", "new"}
    with pytest.raises(NotFound, match="forgotten after some days"):
        ledger.draft(store, "old")


# -- reasons --


def test_f5_reason_is_kept_once_whatever_its_case_and_the_first_text_stays(store):
    assert ledger.use_reasons(store, [Reason("Disk full", "the first"), Reason("", "alone")], "olga") != []
    assert ledger.use_reasons(store, [Reason("disk FULL ", "the second")], "ivan") == []

    assert ledger.reasons(store) == [Reason("Disk full", "the first")]
    assert ledger.reasons_named(store, [" DISK full"]) == {"disk full": Reason("Disk full", "the first")}


def test_j11_reasons_are_listed_by_their_short_names(store):
    ledger.add_reasons(store, [Reason("b", "2"), Reason("A", "1"), Reason("", "no name"), Reason("a", "again")], "olga")

    assert ledger.reasons(store) == [Reason("A", "1"), Reason("b", "2")]


def test_f5_same_new_reason_of_two_operators_at_once_is_one(store):
    start, failures = threading.Barrier(4), []

    def use(name: str) -> None:
        start.wait()
        try:
            ledger.use_reasons(store, [Reason("new", name)], name)
        except WwtError as err:
            failures.append(err)

    threads = [threading.Thread(target=use, args=(f"u{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (failures, [reason.short for reason in ledger.reasons(store)]) == ([], ["new"])


def test_new_reason_of_a_submit_and_of_the_book_at_once_breaks_neither(store):
    """A submit keeps reasons in its own transaction, which does not wait for that of the book."""
    inside, told, failures = threading.Event(), threading.Event(), []

    def of_the_book() -> None:
        inside.wait(30)
        told.set()
        try:
            ledger.add_reasons(store, [Reason("new", "of the book")], "ivan")
        except WwtError as err:
            failures.append(err)

    thread = threading.Thread(target=of_the_book)
    thread.start()
    with store.write(alone="actions"):
        ledger.use_reasons(store, [Reason("new", "of a submit")], "olga")
        inside.set()
        told.wait(30)
    thread.join()

    assert (failures, ledger.reasons(store)) == ([], [Reason("new", "of a submit")])


def test_preview_that_is_kept_while_its_draft_is_submitted_does_not_undo_that(store):
    """The submit's own transaction does not wait for that of drafts."""
    ledger.keep_draft(store, "d1", "olga", {"n": 1})
    inside, told, kept = threading.Event(), threading.Event(), []

    def preview() -> None:
        inside.wait(30)
        told.set()
        kept.append(ledger.keep_draft(store, "d1", "olga", {"n": 2}))

    thread = threading.Thread(target=preview)
    thread.start()
    with store.write(alone="actions"):
        ledger.end_draft(store, "d1", "olga", {"n": 3})
        inside.set()
        told.wait(30)
    thread.join()

    assert (kept, ledger.draft(store, "d1").content) == ([False], {"n": 3})


# -- evidence --


def test_evidence_comes_back_as_it_was_kept(store, clock):
    action = asked_for(store, "w")
    content = {"errors": [["/w/T", 85, "A", 3]], "text": "Öl\n" * 500}

    ledger.keep_evidence(store, "v1", [(action.id, "w", ledger.pack(content))])
    clock.go_on(days=365)
    kept = ledger.evidence(store, action.id)

    assert (kept.content, kept.snapshot, kept.workflow) == (content, "v1", "w")
    assert ledger.has_evidence(store, action.id)
    assert not ledger.has_evidence(store, "another")
    assert ledger.evidence(store, "another") is None


def test_evidence_is_unpacked_as_far_as_it_is_asked_for(store):
    content = {"workflow": {"name": "w"}, "errors": [["/w/T", 85, "A", 3]], "logs": [{"text": "Öl"}]}
    packed = ledger.Packed(ledger.pack(content))

    assert packed.with_("errors") == {"errors": [["/w/T", 85, "A", 3]]}
    assert packed.with_("workflow").keys() == {"errors", "workflow"}
    assert packed.whole() == packed.with_("nothing of this name") == content
    assert ledger.Packed(ledger.pack({})).whole() == {}


@pytest.mark.parametrize("errors", [[], [["/w/T", 85, "A", 3], ["/w/U", -1, "A", 2], ["/w/T", 85, "B", 2]], "no table"])
def test_cells_of_evidence_come_back_in_their_order(errors):
    assert ledger.Packed(ledger.pack({"errors": errors})).whole() == {"errors": errors}


def test_evidence_of_hundreds_is_kept_and_forgotten(store, clock):
    ledger.keep_evidence(store, "v1", [(f"a{i}", "w", ledger.pack({"n": i})) for i in range(250)])

    assert ledger.evidence(store, "a249").content == {"n": 249}
    assert ledger.forget_evidence(store, clock.go_on(days=1)) == 250


# -- finding --


@pytest.fixture
def some(store, clock) -> dict[str, Action]:
    found = {
        "a": asked_for(store, "olga_task_TOP-00001", draft="d1"),
        "b": asked_for(store, "olga_task_HIG-00002", kind="clone", user="ivan"),
        "c": asked_for(store, "100%_done", kind="special"),
    }
    ledger.move(store, found["b"].id, D, "unified")
    clock.go_on(days=3)
    found["d"] = asked_for(store, "olga_task_TOP-00004")
    found["e"] = asked_for(store, "rehearsed_one", rehearsal=True)
    return found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ActionSearch(), "edcba"),
        (ActionSearch(states=[D]), "b"),
        (ActionSearch(kinds=["clone", "special"]), "cb"),
        (ActionSearch(users=["ivan"]), "b"),
        (ActionSearch(text="top-0000"), "da"),
        (ActionSearch(text="%"), "c"),
        (ActionSearch(text="_"), "edcba"),
        (ActionSearch(draft="d1"), "a"),
        (ActionSearch(rehearsals=True), "e"),
        (ActionSearch(rehearsals=False, kinds=["acdc"]), "da"),
        (ActionSearch(states=[Q], users=["olga"], text="task"), "da"),
    ],
)
def test_actions_are_found_by_all_that_is_asked_for_the_newest_first(store, some, wanted, found):
    actions, total = ledger.search_actions(store, wanted, 10)

    assert [action.id for action in actions] == [some[name].id for name in found]
    assert total == len(found)


def test_actions_are_found_by_their_age_and_page_by_page(store, some):
    recent, _ = ledger.search_actions(store, ActionSearch(since=store.now() - timedelta(days=1)), 10)
    second, total = ledger.search_actions(store, ActionSearch(), 2, 2)

    assert [action.id for action in recent] == [some["e"].id, some["d"].id]
    assert ([action.id for action in second], total) == ([some["c"].id, some["b"].id], 5)


def test_actions_are_counted_by_state(store, some):
    assert ledger.count_actions(store, ActionSearch()) == {Q: 4, D: 1}
    assert ledger.action_users(store) == ["ivan", "olga"]
    assert ledger.rehearsed_among(store, [some["a"].id, some["e"].id]) == {some["e"].id}
    assert ledger.count_actions(store, ActionSearch(users=["nobody"])) == {}


# -- rehearsals and what a job looks for --


def test_rehearsal_is_open_for_nobody_but_the_job(store):
    action = asked_for(store, "w", rehearsal=True)

    assert (ledger.hand_out(store, "unified"), ledger.open_actions(store), ledger.marks(store)) == ([], [], {})
    assert [one.id for one in ledger.queued_rehearsals(store)] == [action.id]


def test_rehearsal_takes_the_place_of_no_action_in_earnest(store):
    earnest = asked_for(store, "w")

    first, second = asked_for(store, "w", rehearsal=True), asked_for(store, "w", rehearsal=True)

    assert [one.id for one in ledger.open_actions(store)] == [earnest.id]
    assert [one.id for one in ledger.queued_rehearsals(store)] == [second.id]
    assert ledger.action(store, first.id).state is ActionState.SUPERSEDED


def test_job_finds_what_it_carries_out_by_kind_and_state(store):
    first, second = asked_for(store, "w1", kind="ticket"), asked_for(store, "w2", kind="ticket")
    asked_for(store, "w3")
    ledger.move(store, second.id, S, "actions.ticket")

    assert [one.id for one in ledger.open_actions_of(store, ["ticket"], Q)] == [first.id]
    assert [one.id for one in ledger.open_actions_of(store, ["ticket"], S)] == [second.id]
    assert (ledger.has_open(store, ["ticket"]), ledger.has_open(store, ["other"])) == (True, False)


def test_what_happens_to_an_action_without_moving_it_is_an_event(store):
    action = asked_for(store, "w")

    ledger.note(store, action.id, "unified", "hm")

    (_, event) = ledger.events(store, action.id)
    assert (event.before, event.after, event.note) == (Q, Q, "hm")
    with pytest.raises(NotFound):
        ledger.note(store, "another", "unified", "hm")


def test_actions_and_events_are_found_by_their_ids(store):
    first, second = asked_for(store, "w1"), asked_for(store, "w2")
    number = ledger.events(store, second.id)[0].number

    assert [one.id for one in ledger.actions_with(store, [second.id, first.id, "x"])] == [first.id, second.id]
    assert ledger.events_numbered(store, [number, 10**6])[number].action == second.id
    assert [one.workflow for one in ledger.actions_on_any(store, ["w2", "w1", "w0"])] == ["w1", "w2"]


def test_a_claim_from_before_the_clock_was_set_back_keeps_nothing_from_others() -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
    clock = [noon]
    store = Store.memory(lambda: clock[0])
    asked = Action("a1", "acdc", "wf", {}, {}, (), "olga", ActionState.QUEUED, noon, noon)
    ledger.submit(store, [asked])
    ledger.claim(store, "one", 5)
    ledger.answer(store, "one", "a1", [], ActionState.FAILED, "no")
    clock[0] = noon - timedelta(hours=1)
    ledger.move(store, "a1", ActionState.QUEUED, "olga")

    assert [action.id for action in ledger.hand_out(store, "two")] == ["a1"]
    store.close()
