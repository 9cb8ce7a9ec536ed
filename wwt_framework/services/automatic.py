"""The job "automatic": rules that were measured and switched on ask for actions, as operators do and under the same guards."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from wwt_framework.config import Config
from wwt_framework.errors import WwtError
from wwt_framework.evidence import BY_TASK
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, Recommendation, Task, User
from wwt_framework.plugin import Progress
from wwt_framework.services import desk
from wwt_framework.services.lab.subjects import Subject
from wwt_framework.services.lab.switching import RuleState, rule_states
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger

log = logging.getLogger(__name__)

JOB = "automatic"
#: In whose name rules act; no person can have it.
AUTO = User("auto", "automatic rules", roles=frozenset({"operator"}))
_DONE = "version"


class House(Protocol):
    """What the job needs of a house."""

    @property
    def hooks(self) -> Hooks: ...
    @property
    def config(self) -> Config: ...


class AutoWork:
    """``due`` is asked every second by the clock; ``run`` looks at each snapshot once."""

    def __init__(self, store: Store, house: Callable[[], House], snapshot: Callable[[], Snapshot]) -> None:
        self._store = store
        self._house = house
        self._snapshot = snapshot
        self._memory = ledger.Memory(store, "wwt.automatic")

    def due(self) -> bool:
        """Whether a rule is switched on, and there is a snapshot that no rule has seen: cheap."""
        if not self._house().hooks.implementing("apply_rule") or not ledger.rule_switches(self._store):
            return False
        snapshot = self._snapshot()
        return not snapshot.is_empty and self._memory.get(_DONE) != snapshot.version

    def run(self, progress: Progress) -> str:
        """Put every workflow that fails, and of which nobody asked anything yet, to the rules that act."""
        house, snapshot = self._house(), self._snapshot()
        acting = [state for state in rule_states(self._store, house.hooks) if state.is_on]
        most = house.config.house.automatic_at_most
        told: Counter[str] = Counter()
        for number, name in enumerate(names := _untouched(snapshot, self._store)):
            if number % 20 == 0:
                progress(number / len(names), f"{number:,} of {len(names):,} workflows")
            if told["asked for"] >= most:
                told["left for the next time"] += 1
                continue
            case = snapshot.case(name)
            if case is not None:
                told[self._act(house, snapshot, case, acting)] += 1
        self._memory[_DONE] = snapshot.version
        said = [f"{count:,} {what}" for what, count in told.items() if what and count]
        return ", ".join(said) or "no rule had anything to ask for"

    def _act(self, house: House, snapshot: Snapshot, case: Case, acting: Iterable[RuleState]) -> str:
        """What became of *case*, in words; "" when no rule says anything. The first that speaks decides."""
        for state in acting:
            answer = house.hooks.only(state.subject.plugin, "apply_rule", rule=state.subject.rule, case=case)
            if not answer.ok:
                log.warning("a rule could not be asked", extra={"rule": state.subject.name, "why": answer.complaint})
                return "could not be asked about"
            if answer.value is not None and answer.value.action:
                return self._submit(house, snapshot, case, state.subject, answer.value)
        return ""

    def _submit(self, house: House, snapshot: Snapshot, case: Case, subject: Subject, wanted: Recommendation) -> str:
        """Ask for it as a script would, but never over a word of a guard: where one has something to say, a person decides."""
        name, store = case.workflow.name, self._store
        try:
            intent, problems = desk.read_document(house.hooks, snapshot, store, document_of(case, subject, wanted))
            intent = replace(intent, seen={name: 0})  # whoever acts at this very moment comes first
            plan = desk.plan(house.hooks, snapshot, store, intent, AUTO, problems=problems, house=house.config.house)
            if plan.confirm or any(line.state != "go" for line in plan.lines) or problems:
                log.info("a rule is not followed: a person has to look", extra={"workflow": name, "rule": subject.name})
                return "left to a person"
            result = desk.submit(house.hooks, snapshot, store, plan, typed=plan.must_type)
        except WwtError as err:
            log.warning("a rule could not act", extra={"workflow": name, "rule": subject.name, "why": str(err)})
            return "could not be asked for"
        return "asked for" if result.lines[0].state == "queued" else "left to a person"


def document_of(case: Case, subject: Subject, wanted: Recommendation) -> Mapping[str, Any]:
    """What *wanted* asks for, as a document of the original's /submit2."""
    parameters = dict(wanted.parameters)
    reasons = parameters.pop("Reasons", None) or [f"Rule {subject.name}: {wanted.reason}"]
    by_task = parameters.pop("Parameters", None)
    if by_task is None:
        tasks = [wanted.task] if wanted.task else case.errors.tasks
        by_task = {Task(task).short: parameters for task in tasks} if wanted.action in BY_TASK else parameters
    return {
        "workflow": case.workflow.name,
        "parameters": {"Action": wanted.action, "Reasons": reasons, "Parameters": by_task},
    }


def _untouched(snapshot: Snapshot, store: Store) -> list[str]:
    """Workflows that fail, are no ACDCs, whose counts are whole, and of which nobody ever asked anything."""
    cube = snapshot.cube
    acted = ledger.workflows_acted_on(store)
    return [
        name
        for index, name in enumerate(cube.workflows)
        if cube.workflow_total[index]
        and snapshot.types[snapshot.workflow_type[index]] != "Resubmission"
        and snapshot.errors_state[index] == 0
        and name not in acted
    ]
