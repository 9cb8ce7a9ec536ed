"""Rules that act: only when switched on, only where nobody asked anything yet, and never over a word of a guard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.services.desk_world import ACDC1, ALL, OLGA, OTHER, WF, Desk, World, hooks_with
from wwt_framework import hookimpl
from wwt_framework.config import Config
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Action, ActionState, Case, Draft, Problem, Recommendation, User
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import AutoRule
from wwt_framework.services import lab
from wwt_framework.services.automatic import AutoWork
from wwt_framework.services.lab import Interval, LabResult
from wwt_framework.snapshot import OLD, Snapshot
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import KeptResult

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
ADAM = User("adam", roles=frozenset({"admin"}))
RULE = "actions.rules:all"
Says = Callable[[Case], Recommendation | None]


class Rules:
    def __init__(self, fingerprint: str = "f1") -> None:
        self.fingerprint = fingerprint
        self.says: Says = lambda _: Recommendation("acdc", "they mend themselves", {"xrootd": "enabled"})

    @hookimpl
    def register_rules(self) -> Sequence[AutoRule]:
        return [AutoRule("all", "Everything", fingerprint=self.fingerprint)]

    @hookimpl
    def apply_rule(self, rule: str, case: Case) -> Recommendation | None:
        return self.says(case)


class Guard:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:
        return self.problems


@dataclass
class Auto:
    """An installation in which a rule may act."""

    hooks: Hooks
    snapshot: Snapshot
    rules: Rules
    guard: Guard
    store: Store = field(default_factory=Store.memory)
    options: HouseOptions = field(default_factory=HouseOptions)

    @property
    def config(self) -> Config:
        return Config(Path("plugins.yml"), self.options, (), "")

    def work(self) -> AutoWork:
        return AutoWork(self.store, lambda: self, lambda: self.snapshot)

    def run(self) -> str:
        return self.work().run(lambda *_: None)

    def asked(self) -> list[tuple[str, str, str]]:
        return sorted((a.workflow, a.kind, a.user) for a in ledger.open_actions(self.store))

    def switch_on(self) -> None:
        shares = dict.fromkeys(("agreement", "usual", "most", "gain"), Interval(0.9))
        result = LabResult(
            "r1", RULE, "rule", self.rules.fingerprint, NOON, "adam", 30, NOON - timedelta(days=30), NOON, 9, 9, 9, 9, 8,
            **shares,
        )  # fmt: skip
        ledger.keep_lab_result(
            self.store, KeptResult("r1", RULE, self.rules.fingerprint, NOON, "adam", lab.plain_result(result))
        )
        lab.switch_on(self.store, self.hooks, RULE, "r1", ADAM)


@pytest.fixture
def auto(tmp_path: Path) -> Iterator[Auto]:
    rules, guard = Rules(), Guard()
    hooks = hooks_with(tmp_path, ALL, ("actions.rules", rules), ("actions.guard", guard))
    made = Auto(hooks, World().open(tmp_path / "snapshot"), rules, guard)
    yield made
    made.store.close()


def test_j17_a_rule_that_is_not_switched_on_does_nothing(auto: Auto) -> None:
    assert not auto.work().due()
    assert auto.run() == "no rule had anything to ask for"
    assert auto.asked() == []


def test_j17_a_rule_that_is_switched_on_asks_for_actions_in_the_name_of_auto(auto: Auto) -> None:
    auto.switch_on()
    assert auto.work().due()

    assert auto.run() == "2 asked for"
    assert auto.asked() == [(OTHER, "acdc", "auto"), (WF, "acdc", "auto")]
    action = next(one for one in ledger.open_actions(auto.store) if one.workflow == OTHER)
    assert action.task_values["Other_0"]["xrootd"] == "enabled"
    assert action.reasons[0].long == f"Rule {RULE}: they mend themselves"


def test_the_same_snapshot_is_looked_at_once(auto: Auto) -> None:
    auto.switch_on()
    auto.run()

    assert not auto.work().due()


def test_j17_acdcs_and_what_anybody_acted_on_are_left_alone(auto: Auto) -> None:
    auto.switch_on()
    seen: list[str] = []
    auto.rules.says = lambda case: seen.append(case.workflow.name)
    Desk(auto.hooks, auto.snapshot, auto.store, OLGA).submit(
        {"workflows": OTHER, "kind": "special", "value.action": "on-hold"}, confirmed=True
    )
    auto.run()

    assert seen == [WF]
    assert ACDC1 not in seen


def test_an_action_that_was_taken_back_is_not_asked_for_again(auto: Auto) -> None:
    auto.switch_on()
    auto.run()
    for action in ledger.open_actions(auto.store):
        ledger.move(auto.store, action.id, ActionState.WITHDRAWN, "olga", "no")
    ledger.Memory(auto.store, "wwt.automatic").clear()
    auto.run()

    assert auto.asked() == []


def test_where_a_guard_has_a_word_a_person_decides(auto: Auto) -> None:
    auto.switch_on()
    auto.guard.problems = [Problem("Look at this first.", blocking=False)]

    assert auto.run() == "2 left to a person"
    assert auto.asked() == []


def test_counts_that_are_old_or_lower_bounds_are_no_ground(auto: Auto, tmp_path: Path) -> None:
    auto.switch_on()
    world = World()
    seen: list[str] = []
    auto.rules.says = lambda case: seen.append(case.workflow.name)
    auto.snapshot = world.open(tmp_path / "old", errors_state={OTHER: OLD})
    auto.run()

    assert seen == [WF]


def test_a_rule_that_was_changed_does_nothing(auto: Auto) -> None:
    auto.switch_on()
    auto.rules.fingerprint = "f2"
    auto.run()

    assert auto.asked() == []


def test_no_more_actions_than_allowed_are_asked_for_at_once(auto: Auto, tmp_path: Path) -> None:
    auto.switch_on()
    auto.options = HouseOptions(automatic_at_most=1)
    auto.rules.says = lambda _: Recommendation("special", "wait", {"action": "on-hold"})

    assert auto.run() == "1 asked for, 1 left for the next time"


def test_in_a_rehearsal_it_is_a_rehearsal(auto: Auto) -> None:
    auto.switch_on()
    auto.options = HouseOptions(dry_run=True)
    auto.run()

    assert len(ledger.queued_rehearsals(auto.store)) == 2


def test_a_rule_that_fails_costs_its_own_workflow(auto: Auto) -> None:
    auto.switch_on()

    def fails(case: Case) -> Recommendation | None:
        if case.workflow.name == WF:
            raise OSError("no service")
        return Recommendation("acdc", "why not")

    auto.rules.says = fails

    assert auto.run() == "1 asked for, 1 could not be asked about"


def test_what_can_not_be_asked_for_is_left(auto: Auto) -> None:
    auto.switch_on()
    auto.rules.says = lambda _: Recommendation("no-such-kind", "why not")

    assert auto.run() in ("2 left to a person", "2 could not be asked for")
    assert auto.asked() == []


def test_a_result_of_another_version_stops_no_rule(auto: Auto) -> None:
    auto.switch_on()
    ledger.keep_lab_result(auto.store, KeptResult("r2", RULE, "f1", NOON, "adam", {"id": "r2"}))

    (state,) = lab.rule_states(auto.store, auto.hooks)
    assert state.result is not None
    assert auto.run() == "2 asked for"
