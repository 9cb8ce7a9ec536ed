"""The job "actions": what plugins carry out, holds that end, rehearsals, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.services.desk_world import KINDS, OTHER, WF, Desk, World, hooks_with
from wwt_framework import hookimpl
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Action, ActionState, Case, Draft, Effect, Outcome, Problem
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import ActionKind, Event
from wwt_framework.services import desk as the_desk
from wwt_framework.services.desk.working import DRAFT_DAYS, ActionWork
from wwt_framework.store import Store, ledger

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
Q, S, D, F, W = (
    ActionState.QUEUED, ActionState.SENT, ActionState.DONE, ActionState.FAILED, ActionState.WITHDRAWN,
)  # fmt: skip


class Ticket:
    """A kind that its plugin carries out."""

    def __init__(self) -> None:
        self.executed: list[tuple[str, bool]] = []
        self.answer: Callable[[Action], Outcome] = lambda action: Outcome(S, "opened", f"T-{action.workflow[:4]}")
        self.news: Outcome | None = None

    @hookimpl
    def register_actions(self) -> Sequence[ActionKind]:
        return [ActionKind("ticket", "Ticket", "Open a ticket.", delivery="push")]

    @hookimpl
    def execute_action(self, action: Action, case: Case | None, dry_run: bool) -> Outcome:
        self.executed.append((action.id, dry_run))
        return Outcome(D, "would open a ticket") if dry_run else self.answer(action)

    @hookimpl
    def follow_action(self, action: Action) -> Outcome | None:
        return self.news


class Listener:
    """Whoever is told; and a guard that objects when it is told to."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.objection: Problem | None = None

    @hookimpl
    def notify(self, event: Event) -> None:
        self.events.append(event)

    @hookimpl
    def check_action(self, draft: Draft) -> Sequence[Problem]:
        return [self.objection] if self.objection else []

    @hookimpl
    def build_effects(self, draft: Draft, cases: Sequence[Case]) -> Sequence[Effect]:
        return [Effect(case.workflow.name, "makes an ACDC") for case in cases]


@dataclass
class Settings:
    """A configuration, as far as the job looks at it."""

    house: HouseOptions = field(default_factory=HouseOptions)


@dataclass
class House:
    hooks: Hooks
    config: Settings = field(default_factory=Settings)


class Bench:
    """A desk with the job, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.store = Store.memory(lambda: self.now)
        self.ticket, self.listener = Ticket(), Listener()
        self.house = House(hooks_with(folder, KINDS, ("test.ticket", self.ticket), ("test.listener", self.listener)))
        self.desk = Desk(self.house.hooks, World().open(folder / "snapshot"), self.store)
        self.work = self.another()

    def another(self) -> ActionWork:
        return ActionWork(self.store, lambda: self.house, lambda: self.desk.snapshot)

    def ask(self, kind: str = "ticket", workflow: str = WF, **values: str) -> Action:
        form = {"workflow": workflow, "kind": kind, **{f"value.{name}": value for name, value in values.items()}}
        (line,) = self.desk.submit(form, confirmed=True).lines
        assert line.action is not None, line.problems
        return line.action

    def run(self) -> str:
        return self.work.run(lambda *_: None)

    def state(self, action: Action) -> tuple[ActionState, str]:
        now = ledger.action(self.store, action.id)
        return now.state, now.note


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.store.close()


# -- carrying out --


def test_what_plugins_carry_out_is_carried_out_and_followed_to_its_end(bench):
    action = bench.ask()

    bench.run()
    sent = ledger.action(bench.store, action.id)
    bench.ticket.news = Outcome(D, "closed")
    bench.now += timedelta(seconds=31)
    bench.run()

    assert (sent.state, sent.reference, bench.ticket.executed) == (S, f"T-{WF[:4]}", [(action.id, False)])
    assert bench.state(action) == (D, "closed")


def test_what_an_executor_fetches_is_left_to_it(bench):
    action = bench.ask("acdc")

    bench.run()

    assert (bench.state(action)[0], bench.ticket.executed) == (Q, [])


def test_follow_waits_its_turn(bench):
    bench.ask()
    bench.run()
    bench.ticket.news = Outcome(D)

    bench.now += timedelta(seconds=5)

    assert not bench.work.due()
    bench.now += timedelta(seconds=26)
    assert bench.work.due()


def test_plugin_that_fails_leaves_an_action_that_may_be_queued_again(bench):
    def fail(action: Action) -> Outcome:
        raise ConnectionError("no route")

    bench.ticket.answer = fail
    action = bench.ask()
    bench.run()
    state, note = bench.state(action)
    bench.ticket.answer = lambda _: Outcome(D, "opened")
    the_desk.requeue(bench.store, action.id, "olga")
    bench.run()

    assert state is F
    assert "no route" in note
    assert bench.state(action)[0] is D


def test_plugin_that_answers_a_state_that_can_not_be_has_failed(bench):
    bench.ticket.answer = lambda _: Outcome(W, "hm")
    action = bench.ask()

    bench.run()

    assert bench.state(action) == (F, "test.ticket, execute_action: expected sent, done or failed, got withdrawn: hm")


@pytest.mark.parametrize(
    "objection", [Problem("Too late."), Problem("Other sites.", change={"sites": []}), Problem("Out.", leave_out=True)]
)
def test_guards_are_asked_again_right_before(bench, objection):
    action = bench.ask()
    bench.listener.objection = objection

    bench.run()

    assert bench.ticket.executed == []
    assert bench.state(action) == (F, f"not carried out, since things changed: {objection.message}")


def test_warning_of_a_guard_does_not_stop_what_was_said_yes_to(bench):
    bench.listener.objection = Problem("Hm.", blocking=False)
    action = bench.ask()

    bench.run()

    assert bench.state(action)[0] is S


def test_crash_between_carrying_out_and_noting_it_carries_it_out_again_under_the_same_id(bench, monkeypatch):
    action = bench.ask()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "move", die)
        with pytest.raises(KeyboardInterrupt):
            bench.run()
    bench.work = bench.another()
    bench.run()

    assert bench.ticket.executed == [(action.id, False)] * 2
    assert bench.state(action)[0] is S


def test_action_taken_back_while_its_plugin_was_at_it_says_that_it_was_carried_out(bench):
    def taken_back(action: Action) -> Outcome:
        the_desk.withdraw(bench.store, action.id, "olga")
        return Outcome(D, "opened")

    bench.ticket.answer = taken_back
    action = bench.ask()

    bench.run()

    assert bench.state(action)[0] is W
    assert ledger.events(bench.store, action.id)[-1].note == "carried out all the same: opened"


# -- rehearsal --


def test_rehearsal_ends_as_done_with_what_would_have_been_done(bench):
    bench.desk = replace(bench.desk, house=HouseOptions(dry_run=True))
    bench.house.config = Settings(HouseOptions(dry_run=True))
    pushed, pulled = bench.ask(), bench.ask("acdc", OTHER)

    bench.run()

    assert bench.ticket.executed == [(pushed.id, True)]
    assert bench.state(pushed) == (D, "rehearsed: would open a ticket")
    assert bench.state(pulled) == (D, "rehearsed: makes an ACDC")
    assert (ledger.done_actions(bench.store), ledger.marks(bench.store)) == ([], {})


def test_rehearsal_stays_one_when_the_installation_gets_serious_before_it_ended(bench):
    bench.desk = replace(bench.desk, house=HouseOptions(dry_run=True))
    action = bench.ask()

    bench.run()

    assert bench.ticket.executed == [(action.id, True)]


def test_what_was_queued_in_earnest_waits_for_the_end_of_the_rehearsal(bench):
    action = bench.ask()
    bench.house.config = Settings(HouseOptions(dry_run=True))

    bench.run()

    assert (bench.state(action)[0], bench.ticket.executed) == (Q, [])


# -- holds --


def test_hold_ends_by_itself_when_its_time_is_over(bench):
    action = bench.ask("special", action="on-hold", until="7")
    bench.run()
    bench.now += timedelta(days=7)

    assert bench.work.due()
    bench.run()

    assert bench.state(action) == (W, ledger.TIME_OVER)


def test_hold_that_was_carried_out_is_told_to_be_over_once(bench):
    action = bench.ask("special", action="on-hold", until="7")
    ledger.hand_out(bench.store, "unified")
    ledger.report(bench.store, "unified", [WF])
    bench.now += timedelta(days=8)

    bench.run()
    bench.run()

    notes = [event.note for event in ledger.events(bench.store, action.id)]
    assert (bench.state(action)[0], notes.count(ledger.TIME_OVER)) == (D, 1)
    assert bench.listener.events[-1].text.endswith("something happened (wwt: its time is over).")


# -- telling --


def test_every_event_is_told_once_and_in_order(bench):
    action = bench.ask("acdc")
    bench.run()
    the_desk.withdraw(bench.store, action.id, "ivan", "wrong")
    bench.run()
    bench.run()

    assert [event.text for event in bench.listener.events] == [
        f"olga asked for acdc on {WF}.",
        f"acdc on {WF} is withdrawn now (ivan: wrong).",
    ]
    assert len({event.id for event in bench.listener.events}) == 2
    assert not bench.work.due()


def test_what_was_told_is_not_told_again_after_a_restart(bench):
    bench.ask("acdc")
    bench.run()
    bench.work = bench.another()

    bench.run()

    assert len(bench.listener.events) == 1


def test_nobody_is_told_of_what_happened_long_ago(bench):
    bench.ask("acdc")
    bench.now += timedelta(days=2)

    bench.run()

    assert bench.listener.events == []


def test_nobody_is_told_of_what_was_imported(bench):
    bench.ask("acdc")

    the_desk.mark_told(bench.store)
    bench.run()

    assert bench.listener.events == []


def test_listener_that_fails_costs_nobody_anything(bench):
    class Broken:
        @hookimpl
        def notify(self, event: Event) -> None:
            raise RuntimeError("no mail server")

    bench.house.hooks.register("test.broken", Broken())
    bench.ask("acdc")

    bench.run()

    assert len(bench.listener.events) == 1


# -- forgetting --


def test_drafts_that_were_never_submitted_and_old_evidence_are_forgotten(bench):
    draft = the_desk.keep(bench.store, bench.desk.plan({"workflow": OTHER, "kind": "acdc"}))
    action = bench.ask("acdc")
    bench.run()

    bench.now += timedelta(days=DRAFT_DAYS + 1)
    bench.house.config = Settings(HouseOptions(evidence_days=1))
    bench.run()

    assert ledger.find_draft(bench.store, draft) is None
    assert the_desk.evidence_of(bench.store, action.id) is None
    assert bench.state(action)[0] is Q


def test_job_without_anything_to_do_is_not_due(bench):
    bench.run()

    assert (bench.work.due(), bench.run()) == (False, "nothing to do")
