"""What the desk relies on, of plugins that offer kinds of action and of plugins that guard them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from wwt_framework import forms
from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    Draft,
    ErrorCount,
    ErrorTable,
    Known,
    Outcome,
    Problem,
    Readiness,
    Recovery,
    SiteStatus,
    Task,
    User,
    Workflow,
)
from wwt_framework.plugin import ActionKind, Field
from wwt_framework.testing.contracts import AT, PluginContract, about
from wwt_framework.testing.procedure_contract import opened
from wwt_framework.testing.running import Running

#: What fits no field but one of text.
NONSENSE = "wwt contract <nonsense>"


def contract_case(name: str = "contract", **workflow: Any) -> Case:
    """A workflow with a production, a merge and a log collection, errors in each, and something to recover."""
    tasks = (
        Task(f"/{name}/Prod", "Production", "EventAwareLumiBased"),
        Task(f"/{name}/Prod/Merge", "Merge", "ParentlessMergeBySize"),
        Task(f"/{name}/Prod/LogCollect", "LogCollect", "SiblingProcessingBased"),
    )
    sites = {
        "T1_US_FNAL": SiteStatus("T1_US_FNAL", Readiness.GREEN, "enabled"),
        "T2_US_Purdue": SiteStatus("T2_US_Purdue", Readiness.RED, "drain"),
    }
    told = {"prep_id": "ABC-Contract-00001", "request_type": "TaskChain", "status": "completed", "tasks": tasks}
    return Case(
        Workflow(name, **{**told, "parameters": {"Memory": 4000, "Multicore": 4}, **workflow}),
        ErrorTable(ErrorCount(task.path, 8028, site, 5) for task in tasks for site in sites),
        recoveries=tuple(Recovery(task.path, frozenset(sites)) for task in tasks[:2]),
        sites=sites,
        known={"errors": Known("errors", "", "ok", AT)},
    )


def contract_draft(kind: str, case: Case, values: Mapping[str, Any] | None = None, *, per_task: bool = True) -> Draft:
    """A draft that asks for *values* in every task of *case*; or once for all of it, without tasks."""
    asked = dict(values or {})
    tasks = {task.short: {"sites": ["T1_US_FNAL"], **asked} for task in case.workflow.tasks} if per_task else {}
    once = {} if per_task else asked
    return Draft("contract", kind, (case.workflow.name,), once, {case.workflow.name: tasks}, (), User("ana"))


class ActionContract(PluginContract):
    """What the desk relies on, of every plugin that offers kinds of action, or says where tasks can run."""

    def make_cases(self) -> Sequence[Case]:
        """Cases that the plugin's actions are tried on."""
        return [contract_case(), contract_case("contract_acdc", request_type="Resubmission")]

    def effects(self, it: Running) -> Any:  # noqa: ARG002  # for those who override it
        """What the plugin has done outside so far, in a form that can be compared: tickets opened, requests made."""
        pytest.skip("a plugin that carries out its actions says here what it has done (effects)")

    # -- kinds and fields --

    @about("register_actions")
    def test_every_kind_says_what_it_is(self, running: Running) -> None:
        kinds = self._kinds(running)
        assert [kind.name for kind in kinds if not kind.name or not kind.label or not kind.help] == []
        assert len({kind.name for kind in kinds}) == len(kinds)

    @about("register_actions")
    def test_every_field_can_be_drawn_and_read(self, running: Running) -> None:
        for kind, fields in self._fields(running):
            names = [field.name for field in fields]
            assert len(set(names)) == len(names), f"{kind.name}: a field's name is its own"
            assert [f.name for f in fields if not f.label or "." in f.name] == [], "a label, and a name without dots"
            bare = [f.name for f in fields if f.type in ("choice", "choices") and not f.choices]
            assert bare == [], f"{kind.name}: a choice needs choices"

    @about("register_actions")
    def test_what_a_form_begins_with_is_read_as_it_is(self, running: Running) -> None:
        for kind, fields in self._fields(running):
            for field in (field for field in fields if field.default is not None):
                values, problems = forms.read([field], {field.name: _posted(field.default)})
                assert ([*values.values()], problems) == ([field.default], []), f"{kind.name}.{field.name}"

    @about("register_actions")
    def test_nonsense_is_refused_in_every_field_that_is_no_text(self, running: Running) -> None:
        for kind, fields in self._fields(running):
            for field in (field for field in fields if field.type != "text"):
                values, problems = forms.read([field], {field.name: NONSENSE})
                assert values == {}, f"{kind.name}.{field.name}"
                assert problems, f"{kind.name}.{field.name}"

    @about("build_sites")
    def test_sites_are_told_of_tasks_of_the_case(self, running: Running) -> None:
        for case in [*self.make_cases(), Case(Workflow("empty"))]:
            before = copy.deepcopy(case)
            told = running.ask("build_sites", case=case)
            tasks = {task.short for task in case.workflow.tasks} | {Task(r.task).short for r in case.recoveries}
            assert [one.task for one in told or () if one.task not in tasks] == []
            assert (told, case) == (running.ask("build_sites", case=case), before), (
                "the same twice, and nothing changed"
            )

    # -- carrying out --

    @about("execute_action")
    def test_rehearsal_says_what_it_would_do_and_does_nothing(self, running: Running) -> None:
        before = copy.deepcopy(self.effects(running))
        for action, case in self._actions(running):
            outcome = running.ask("execute_action", action=action, case=case, dry_run=True)
            assert outcome.note, "say in the note what would be done"
        assert self.effects(running) == before

    @about("execute_action")
    def test_same_action_twice_is_done_once(self, running: Running) -> None:
        for action, case in self._actions(running):
            first = running.ask("execute_action", action=action, case=case, dry_run=False)
            done = copy.deepcopy(self.effects(running))
            second = running.ask("execute_action", action=action, case=case, dry_run=False)
            assert (self.effects(running), second.reference) == (done, first.reference)

    @about("execute_action")
    def test_outcome_is_a_move_that_an_action_can_make(self, running: Running) -> None:
        for action, case in self._actions(running):
            for known in (case, None):
                outcome = running.ask("execute_action", action=action, case=known, dry_run=True)
                assert _is_legal(outcome), f"{action.kind}: sent, done or failed, not {outcome.state.value}"

    @about("follow_action")
    def test_news_are_a_move_that_an_action_can_make(self, running: Running) -> None:
        for action, _ in self._actions(running):
            news = running.ask("follow_action", action=replace(action, state=ActionState.SENT))
            assert news is None or _is_legal(news)

    @about("register_actions")
    def test_who_carries_out_implements_how(self, running: Running) -> None:
        pushed = [kind.name for kind in self._kinds(running) if kind.delivery == "push"]
        assert not pushed or running.has("execute_action"), f"{', '.join(pushed)}: nobody carries that out"

    def _kinds(self, it: Running) -> list[ActionKind]:
        return list(it.ask("register_actions")) if it.has("register_actions") else []

    def _fields(self, it: Running) -> list[tuple[ActionKind, tuple[Field, ...]]]:
        """Each kind with the fields that it registered, and with those that it has for the cases."""
        found = []
        for kind in self._kinds(it):
            found.append((kind, kind.fields))
            for cases in ((), self.make_cases()) if it.has("build_action_fields") else ():
                built = it.ask("build_action_fields", kind=kind.name, cases=list(cases))
                found += [] if built is None else [(kind, tuple(built))]
        return found

    def _actions(self, it: Running) -> list[tuple[Action, Case]]:
        """One action of each kind that is carried out, on each case."""
        pushed = [kind for kind in self._kinds(it) if kind.delivery == "push"]
        return [
            (
                Action(
                    f"contract-{kind.name}-{case.workflow.name}", kind.name, case.workflow.name,
                    {field.name: field.default for field in kind.fields if field.default is not None}, {}, (), "ana",
                    ActionState.QUEUED, AT, AT,
                ),
                case,
            )
            for kind in pushed
            for case in self.make_cases()
        ]  # fmt: skip


class GuardContract(PluginContract):
    """What the desk relies on, of every plugin that checks actions."""

    #: Kinds of action that it is asked about.
    kinds: ClassVar[tuple[str, ...]] = ("acdc", "clone", "recovery", "special", "wwt_contract_other")

    def make_objection(self, it: Running) -> tuple[Draft, Sequence[Case]]:  # noqa: ARG002  # for those who override it
        """A draft that the guard has something to say about, with its cases."""
        pytest.fail(f"{type(self).__name__}.make_objection: say what your guard is there to catch")

    def open_actions(self) -> Sequence[Action]:
        """Actions that are open on the workflows of ``make_objection``."""
        return ()

    @about("check_action")
    def test_it_has_something_to_say(self, running: Running) -> None:
        assert self._said(running), "make_objection: the guard says nothing about it"

    @about("check_action")
    def test_every_problem_says_what_it_is_and_where(self, running: Running) -> None:
        draft, _ = self.make_objection(running)
        for problem in self._said(running):
            assert problem.message.strip()
            assert problem.workflow in ("", *draft.workflows)
            tasks = {short for values in draft.task_values.values() for short in values}
            assert problem.task in ("", *tasks)

    @about("check_action")
    def test_what_it_mends_is_mended(self, running: Running) -> None:
        draft, cases = self.make_objection(running)
        mended = _mended(draft, self._said(running))
        again = running.ask("check_action", draft=mended, cases=cases, open_actions=list(self.open_actions()))
        assert _mended(mended, again) == mended, "asked about what it mended, the guard mends it again"

    @about("check_action")
    def test_every_kind_of_action_is_looked_at(self, running: Running) -> None:
        for kind in self.kinds:
            for case in (contract_case(), Case(Workflow("bare"))):
                for per_task in (True, False):
                    draft = contract_draft(kind, case, per_task=per_task)
                    running.ask("check_action", draft=draft, cases=[case], open_actions=[])

    @about("check_action")
    def test_odd_parameters_and_tasks_that_nobody_told_of_are_looked_at(self, running: Running) -> None:
        odd = {"Memory": {"Prod": "lots"}, "Multicore": None, "Task1": ["x"], "Step1": {"StepName": 3}}
        case = contract_case(parameters=odd)
        draft = contract_draft("acdc", case, {"memory": 5000, "splitting": "2x", "cores": 4})
        extra = {**draft.task_values[case.workflow.name], "No/Such/Task": {"sites": [], "memory": 2000}}
        running.ask(
            "check_action", draft=replace(draft, task_values={case.workflow.name: extra}), cases=[case], open_actions=[]
        )

    @about("check_action")
    def test_draft_without_workflows_is_fine(self, running: Running) -> None:
        draft = Draft("contract", "acdc", (), {}, {}, (), User("ana"))
        assert list(running.ask("check_action", draft=draft, cases=[], open_actions=[])) == []

    @about("check_action")
    def test_same_draft_gets_the_same_answer_and_stays_as_it_is(self, running: Running) -> None:
        draft, cases = self.make_objection(running)
        question = {"draft": draft, "cases": list(cases), "open_actions": list(self.open_actions())}
        before = copy.deepcopy(question)
        first, second = (list(running.ask("check_action", **question)) for _ in range(2))
        assert (first, question) == (second, before)

    @about("check_action")
    def test_checking_opens_nothing(self, running: Running) -> None:
        self._said(running)  # what is imported late is there by now
        with opened() as seen:
            self._said(running)
        assert seen == [], "an operator waits for this: read files in startup, ask services in a job"

    def _said(self, it: Running) -> list[Problem]:
        draft, cases = self.make_objection(it)
        return list(
            it.ask("check_action", draft=draft, cases=list(cases), open_actions=list(self.open_actions()))
        )  # fmt: skip


def _posted(default: Any) -> str | list[str]:
    if isinstance(default, bool):
        return "1" if default else "0"
    return [str(one) for one in default] if isinstance(default, list | tuple) else str(default)


def _is_legal(outcome: Outcome) -> bool:
    return outcome.state in (ActionState.SENT, ActionState.DONE, ActionState.FAILED)


def _mended(draft: Draft, problems: Sequence[Problem]) -> Draft:
    """*draft* after what *problems* change or leave out."""
    tasks = {name: {short: dict(v) for short, v in values.items()} for name, values in draft.task_values.items()}
    for problem in problems:
        for name, values in tasks.items():
            for short in [s for s in values if problem.workflow in ("", name) and problem.task in ("", s)]:
                if problem.leave_out:
                    del values[short]
                elif problem.change:
                    merged = {**values[short], **problem.change}
                    values[short] = {key: value for key, value in merged.items() if value is not None}
    return replace(draft, task_values=tasks)
