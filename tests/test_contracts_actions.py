"""The contracts of actions and guards hold for plugins that keep them, and catch those that do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wwt_framework import hookimpl
from wwt_framework.config import PluginConfig
from wwt_framework.errors import PluginError
from wwt_framework.hooks.loader import Loaded
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import ActionState, Outcome, Problem, TaskSites
from wwt_framework.plugin import ActionKind, Field
from wwt_framework.testing import ActionContract, GuardContract
from wwt_framework.testing.contracts_actions import contract_case, contract_draft
from wwt_framework.testing.running import Doors, Running


def run(plugin: object, folder: Path) -> Running:
    hooks = Hooks()
    hooks.register("actions.mutant", plugin, deadline_s=30.0)
    block = PluginConfig("actions", "mutant", "mutant")
    item = Loaded(block, "ready", text="Says something.", hooks=hooks.implemented_by("actions.mutant"))
    return Running("actions.mutant", plugin, hooks, item, Doors(folder))


def broken_promises(contract: object, plugin: Callable[[], object], folder: Path) -> set[str]:
    """The tests of *contract* that *plugin* does not pass."""
    broken = set()
    for name in (name for name in dir(contract) if name.startswith("test_")):
        try:
            getattr(contract, name)(run(plugin(), folder))
        except pytest.skip.Exception:
            continue
        except (AssertionError, PluginError, LookupError, TypeError, AttributeError, pytest.fail.Exception):
            broken.add(name)
    return broken


# -- actions --


class Ticket:
    """A kind that keeps its contract; every mutant breaks one promise of it."""

    fields: tuple[Field, ...] = (Field("queue", "Queue", "choice", ("a", "b"), default="a"), Field("text", "Text"))

    def __init__(self) -> None:
        self.opened: list[str] = []

    @hookimpl
    def register_actions(self):
        return [ActionKind("ticket", "Ticket", "Open a ticket.", self.fields, delivery="push")]

    @hookimpl
    def execute_action(self, action, case, dry_run):
        if not dry_run and action.id not in self.opened:
            self.opened.append(action.id)
        return Outcome(ActionState.DONE, f"a ticket about {action.workflow}", f"T-{action.id}")

    @hookimpl
    def build_sites(self, case):
        return [TaskSites(task.short, frozenset({"T1_US_FNAL"})) for task in case.workflow.tasks]


class TicketContract(ActionContract):
    def effects(self, it: Running) -> Any:
        return it.plugin.opened


def test_kind_that_keeps_its_contract_passes(tmp_path):
    assert broken_promises(TicketContract(), Ticket, tmp_path) == set()


class NoHelp(Ticket):
    @hookimpl
    def register_actions(self):
        return [ActionKind("ticket", "Ticket", "")]


class NoChoices(Ticket):
    fields = (Field("queue", "Queue", "choice"),)


class SameFieldTwice(Ticket):
    fields = (Field("text", "Text"), Field("text", "More text"))


class DefaultThatIsNoChoice(Ticket):
    fields = (Field("queue", "Queue", "choice", ("a", "b"), default="c"),)


class RehearsesInEarnest(Ticket):
    @hookimpl
    def execute_action(self, action, case, dry_run):
        self.opened.append(action.id)
        return Outcome(ActionState.DONE, "done")


class OpensTwo(Ticket):
    @hookimpl
    def execute_action(self, action, case, dry_run):
        if not dry_run:
            self.opened.append(action.id)
        return Outcome(ActionState.DONE, "done")


class TakesItBack(Ticket):
    @hookimpl
    def execute_action(self, action, case, dry_run):
        return Outcome(ActionState.WITHDRAWN, "no")


class NeedsTheCase(Ticket):
    @hookimpl
    def execute_action(self, action, case, dry_run):
        return Outcome(ActionState.DONE, case.workflow.name)


class SitesOfOthers(Ticket):
    @hookimpl
    def build_sites(self, case):
        return [TaskSites("Elsewhere", frozenset())]


class NobodyCarriesItOut:
    @hookimpl
    def register_actions(self):
        return [ActionKind("ticket", "Ticket", "Open a ticket.", delivery="push")]


@pytest.mark.parametrize(
    ("mutant", "promise"),
    [
        (NoHelp, "test_every_kind_says_what_it_is"),
        (NoChoices, "test_every_field_can_be_drawn_and_read"),
        (SameFieldTwice, "test_every_field_can_be_drawn_and_read"),
        (DefaultThatIsNoChoice, "test_what_a_form_begins_with_is_read_as_it_is"),
        (RehearsesInEarnest, "test_rehearsal_says_what_it_would_do_and_does_nothing"),
        (OpensTwo, "test_same_action_twice_is_done_once"),
        (TakesItBack, "test_outcome_is_a_move_that_an_action_can_make"),
        (NeedsTheCase, "test_outcome_is_a_move_that_an_action_can_make"),
        (SitesOfOthers, "test_sites_are_told_of_tasks_of_the_case"),
        (NobodyCarriesItOut, "test_who_carries_out_implements_how"),
    ],
)
def test_kind_that_breaks_a_promise_is_caught(tmp_path, mutant, promise):
    assert promise in broken_promises(TicketContract(), mutant, tmp_path)


# -- guards --


class Lid:
    """A guard that keeps its contract: memory has a lid."""

    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return [
            Problem("Too much memory.", "memory", workflow=name, task=task, change={"memory": 3000})
            for name, tasks in draft.task_values.items()
            for task, values in tasks.items()
            if values.get("memory", 0) > 3000
        ]


class LidContract(GuardContract):
    def make_objection(self, it: Running):
        case = contract_case()
        return contract_draft("acdc", case, {"memory": 9000}), [case]


def test_guard_that_keeps_its_contract_passes(tmp_path):
    assert broken_promises(LidContract(), Lid, tmp_path) == set()


class SaysNothing:
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return []


class WithoutWords:
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return [Problem(" ", workflow=name) for name in draft.workflows]


class AboutAnotherWorkflow:
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return [Problem("No.", workflow="another")] if draft.workflows else []


class MendsForEver:
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return [
            Problem("More.", workflow=name, task=task, change={"memory": values.get("memory", 0) + 1})
            for name, tasks in draft.task_values.items()
            for task, values in tasks.items()
        ]


class KnowsOneKind(Lid):
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return {"acdc": []}[draft.kind]


class NeedsParameters(Lid):
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return [Problem("Hm.", workflow=c.workflow.name) for c in cases if c.workflow.parameters["Memory"] + 1 > 0]


class ObjectsToNothing(Lid):
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return [Problem("No.")]


class ChangesTheDraft(Lid):
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        for tasks in draft.task_values.values():
            tasks.clear()
        return []


class ReadsAFile(Lid):
    @hookimpl
    def check_action(self, draft, cases, open_actions):
        return [Problem(str(len(Path(__file__).read_text())), workflow=name) for name in draft.workflows]


@pytest.mark.parametrize(
    ("mutant", "promise"),
    [
        (SaysNothing, "test_it_has_something_to_say"),
        (WithoutWords, "test_every_problem_says_what_it_is_and_where"),
        (AboutAnotherWorkflow, "test_every_problem_says_what_it_is_and_where"),
        (MendsForEver, "test_what_it_mends_is_mended"),
        (KnowsOneKind, "test_every_kind_of_action_is_looked_at"),
        (NeedsParameters, "test_odd_parameters_and_tasks_that_nobody_told_of_are_looked_at"),
        (ObjectsToNothing, "test_draft_without_workflows_is_fine"),
        (ChangesTheDraft, "test_same_draft_gets_the_same_answer_and_stays_as_it_is"),
        (ReadsAFile, "test_checking_opens_nothing"),
    ],
)
def test_guard_that_breaks_a_promise_is_caught(tmp_path, mutant, promise):
    assert promise in broken_promises(LidContract(), mutant, tmp_path)
