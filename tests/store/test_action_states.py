"""Whatever operators, executors and the clock do, an action moves only as the table says, and nothing is lost."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.store.conftest import NOON
from wwt_framework.errors import IllegalTransition
from wwt_framework.model import TRANSITIONS, Action, ActionState
from wwt_framework.store import Store, ledger

if TYPE_CHECKING:
    from collections.abc import Callable

Q, S, D, F, W, X = (
    ActionState.QUEUED, ActionState.SENT, ActionState.DONE, ActionState.FAILED, ActionState.WITHDRAWN,
    ActionState.SUPERSEDED,
)  # fmt: skip
WORKFLOWS = ("a", "b", "c")
workflows = st.sampled_from(WORKFLOWS)


@dataclass
class Modelled:
    """One action as it should be."""

    id: str
    workflow: str
    state: ActionState
    expires_at: datetime | None
    handed: int = 0  # turn in which it was last handed out; 0: never
    reported: bool = False
    noted: bool = False  # that its time was over when it was done
    events: int = 1


class Machine(RuleBasedStateMachine):
    """The ledger beside a list of what should be in it."""

    store: Store
    clock: Callable[[], datetime]

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.turns = itertools.count(1)
        self.model: list[Modelled] = []
        self.mine = uuid.uuid4().hex[:8]  # actions are never deleted: each run has workflows of its own
        for action in ledger.open_actions(self.store):
            ledger.move(self.store, action.id, W, "the run before")
        ledger.expire(self.store, self.now + timedelta(days=3650))

    def on(self, workflow: str) -> list[Modelled]:
        return [one for one in self.model if one.workflow == workflow]

    def names(self, letters: Iterable[str]) -> list[str]:
        return [f"{self.mine}_{letter}" for letter in sorted(letters)]

    def action(self, workflow: str, days: int | None) -> Action:
        ends = None if days is None else self.now + timedelta(days=days)
        return Action(
            uuid.uuid4().hex, "acdc", workflow, {}, {"T": {"sites": ["T1_US_FNAL"]}}, (), "olga", Q, self.now, self.now,
            expires_at=ends,
        )  # fmt: skip

    # -- what happens --

    @rule(letters=st.sets(workflows, min_size=1), days=st.none() | st.integers(1, 3))
    def submit(self, letters: set[str], days: int | None) -> None:
        names = self.names(letters)
        asked = [self.action(name, days) for name in names]
        draft = uuid.uuid4().hex

        kept = ledger.submit(self.store, asked, draft, ledger.last_events(self.store, names))
        again = ledger.submit(self.store, [self.action(name, days) for name in names], draft)

        assert [one.id for one in kept.kept] == [one.id for one in asked]
        assert (again.repeated, [one.id for one in again.kept]) == (True, [one.id for one in asked])
        for new in asked:
            for old in self.on(new.workflow):
                if old.state in (Q, S, F):
                    self.went(old, X)
            self.model.append(Modelled(new.id, new.workflow, Q, new.expires_at))

    @rule(letter=workflows)
    def submit_from_an_old_page(self, letter: str) -> None:
        (name,) = self.names(letter)
        last = ledger.last_events(self.store, [name])[name]
        kept = ledger.submit(self.store, [self.action(name, None)], "", {name: last - 1})

        assert (kept.kept, list(kept.conflicts or {})) == ((), [name]) if last else True
        if not last:
            self.model.append(Modelled(kept.kept[0].id, name, Q, None))

    @rule()
    def hand_out(self) -> None:
        turn = next(self.turns)
        handed = ledger.hand_out(self.store, "unified")

        assert [one.id for one in handed] == [one.id for one in self.model if one.state in (Q, S)]
        for one in self.model:
            if one.state is Q:
                self.went(one, S)
                one.handed = turn

    @rule(letter=workflows)
    def report(self, letter: str) -> None:
        (name,) = self.names(letter)
        told = ledger.report(self.store, "unified", [name])
        handed = [one for one in self.on(name) if one.handed]
        about = max(handed, key=lambda one: (one.handed, self.model.index(one))) if handed else next(
            iter(reversed(self.on(name))), None
        )  # fmt: skip

        if about is None:
            assert told.does_not_exist == (name,)
        elif about.reported or about.state is D:
            assert told.already_reported == (name,)
        else:
            assert told.success == (name,)
            about.reported = True
            if D in TRANSITIONS[about.state]:
                self.went(about, D)
            else:
                about.events += 1  # reported all the same

    @precondition(lambda self: self.model)
    @rule(data=st.data(), to=st.sampled_from(list(ActionState)))
    def move(self, data: st.DataObject, to: ActionState) -> None:
        """What an operator (withdraw, queue again) or a plugin (done, failed) wants."""
        one = data.draw(st.sampled_from(self.model), "which action")
        if to in TRANSITIONS[one.state]:
            moved = ledger.move(self.store, one.id, to, "olga")
            assert moved.state is to
            self.went(one, to)
        else:
            with pytest.raises(IllegalTransition):
                ledger.move(self.store, one.id, to, "olga")

    @rule(hours=st.integers(1, 60))
    def time_goes_by(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        ended = [
            one
            for one in self.model
            if one.expires_at
            and one.expires_at <= self.now
            and (one.state in (Q, S) or (one.state is D and not one.noted))
        ]

        assert ledger.has_expired(self.store, self.now) == bool(ended)
        assert [one.id for one in ledger.expire(self.store, self.now)] == [one.id for one in ended]
        for one in ended:
            if one.state is D:
                one.noted = True
                one.events += 1
            else:
                self.went(one, W)
        assert not ledger.has_expired(self.store, self.now)

    def went(self, one: Modelled, to: ActionState) -> None:
        one.state = to
        one.events += 1

    # -- what holds at any time --

    @invariant()
    def every_action_is_there_once_in_the_state_that_it_should_be_in(self) -> None:
        names = self.names(WORKFLOWS)
        kept = [action for name in names for action in ledger.actions_on(self.store, name)]
        wanted = [one for name in names for one in self.on(name)]
        assert [(one.id, one.state) for one in kept] == [(one.id, one.state) for one in wanted]

    @invariant()
    def at_most_one_action_of_a_workflow_is_open(self) -> None:
        names = [action.workflow for action in ledger.open_actions(self.store)]
        assert sorted(names) == sorted({one.workflow for one in self.model if one.state in (Q, S)})

    @invariant()
    def life_of_an_action_is_told_move_by_move(self) -> None:
        for one in self.model[-3:]:
            life = ledger.events(self.store, one.id)
            assert (len(life), life[0].before, life[-1].after) == (one.events, None, one.state)
            assert all(event.before is last.after for last, event in itertools.pairwise(life))
            assert all(
                event.after in TRANSITIONS[event.before] or event.after is event.before
                for event in life
                if event.before
            )


@pytest.fixture
def machine(store: Store) -> type[Machine]:
    return type("LedgerMachine", (Machine,), {"store": store})


@pytest.mark.slow
def test_ledger_does_what_a_simple_model_does(machine, request):
    many = hypothesis.settings.default.max_examples
    few = many // 4 if "postgresql" in request.node.name else many
    run_state_machine_as_test(
        machine, settings=hypothesis.settings(max_examples=few, stateful_step_count=20, deadline=None)
    )


def test_an_event_of_every_move_that_the_table_allows_can_be_told(store):
    reached: set[tuple[ActionState, ActionState]] = set()
    for before, targets in TRANSITIONS.items():
        for after in targets:
            one = _in_state(store, before)
            ledger.move(store, one, after, "olga")
            event = ledger.events(store, one)[-1]
            reached.add((event.before, event.after))

    assert reached == {(before, after) for before, targets in TRANSITIONS.items() for after in targets}


def _in_state(store: Store, state: ActionState) -> str:
    one = Action(uuid.uuid4().hex, "acdc", uuid.uuid4().hex, {}, {}, (), "olga", Q, store.now(), store.now())
    ledger.submit(store, [one])
    if state is not Q:
        ledger.move(store, one.id, state, "olga")
    return one.id


def test_events_are_told_in_their_order_and_none_twice(store, clock):
    ids = [_in_state(store, D) for _ in range(3)]

    first = ledger.events_since(store, 0, 4)
    rest = ledger.events_since(store, first[-1][0].number, 100)

    numbers = [event.number for event, _ in first + rest]
    assert (len(numbers), numbers == sorted(set(numbers))) == (6, True)
    assert [action.id for _, action in first + rest] == [ids[0], ids[0], ids[1], ids[1], ids[2], ids[2]]
    assert ledger.last_event_number(store) == numbers[-1]
