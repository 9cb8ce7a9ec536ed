"""What a plan and its result consist of: everything that the preview and the result page say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wwt_framework.errors import WwtError
from wwt_framework.model import Action, Draft, Effect, Problem, Reason, Task
from wwt_framework.services.desk.intent import Intent
from wwt_framework.services.desk.kinds import KindChoice
from wwt_framework.store.ledger import ActionEvent

LineState = Literal["go", "blocked", "missing", "needs sites", "acted elsewhere", "changed"]
ResultState = Literal["queued", "blocked", "conflict", "missing", "needs sites"]


@dataclass(frozen=True)
class Change:
    """One value that a task gets instead of the one that was asked for."""

    asked: Any  # None: nothing was asked for
    gets: Any
    why: str


@dataclass(frozen=True)
class TaskLine:
    """One task of one workflow: exactly what will be sent."""

    task: Task
    values: Mapping[str, Any]  # field name -> typed value, without sites
    sites: tuple[str, ...]  # sorted; () for a kind without sites
    errors: int  # failed jobs, not reported ones among them
    drained: tuple[str, ...] = ()  # where it could run, if these sites took jobs
    note: str = ""  # how one knows where it can run
    changed: Mapping[str, Change] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    effects: tuple[Effect, ...] = ()

    @property
    def go(self) -> bool:
        """Whether nothing stops this task."""
        return not any(problem.blocking for problem in self.problems)


@dataclass(frozen=True)
class Line:
    """One workflow of a plan."""

    workflow: str
    state: LineState
    why: str = ""  # why it is in the list
    tasks: tuple[TaskLine, ...] = ()
    problems: tuple[Problem, ...] = ()  # of the workflow as a whole
    effects: tuple[Effect, ...] = ()
    left_out: tuple[str, ...] = ()  # sentences: tasks it does not have, or that a guard took out
    open_actions: tuple[Action, ...] = ()
    last_action: Action | None = None  # the newest one that was not taken back
    seen_event: int = 0  # the last event that the operator saw
    last_event: ActionEvent | None = None  # the last one there is
    acdcs: tuple[str, ...] = ()
    errors: int = 0

    @property
    def sends(self) -> dict[str, dict[str, Any]]:
        """Task.short -> what will be sent: the values, and the sites under "sites"."""
        return {
            line.task.short: {**line.values, **({"sites": list(line.sites)} if line.sites else {})}
            for line in self.tasks
            if line.go
        }

    @property
    def without_sites(self) -> tuple[TaskLine, ...]:
        """The tasks that wait for somebody to pick sites."""
        return tuple(line for line in self.tasks if line.go and not line.sites) if self.state == "needs sites" else ()


@dataclass(frozen=True)
class Totals:
    """How much a plan does."""

    workflows: int = 0  # that will get an action
    tasks: int = 0
    blocked: int = 0  # workflows that will not
    warned: int = 0  # workflows that will, with a warning
    errors: int = 0  # failed jobs of the tasks that will


@dataclass(frozen=True)
class Plan:
    """What would happen, workflow by workflow and task by task. Nothing has happened yet."""

    intent: Intent
    choice: KindChoice | None  # None: there is no such kind
    draft: Draft  # of the lines that go
    lines: tuple[Line, ...]
    totals: Totals
    reasons: tuple[Reason, ...]
    problems: tuple[Problem, ...] = ()  # of the form as a whole
    confirm: tuple[str, ...] = ()  # sentences that need a yes
    must_type: int | None = None  # the number of workflows, to be typed
    complaints: tuple[str, ...] = ()  # plugins that failed
    read_problems: tuple[Problem, ...] = ()  # those of the problems that reading the form found
    rehearsal: bool = False  # nobody will carry it out: plugins say what they would do
    snapshot: str = ""  # version of what was looked at

    @property
    def go(self) -> tuple[Line, ...]:
        """The lines that a submit would carry out; none while something is wrong with the form as a whole."""
        if any(problem.blocking for problem in self.problems):
            return ()
        return tuple(line for line in self.lines if line.state == "go")


@dataclass(frozen=True)
class ResultLine:
    """What became of one workflow of a submit."""

    workflow: str
    state: ResultState
    action: Action | None = None
    superseded: tuple[Action, ...] = ()
    problems: tuple[Problem, ...] = ()
    theirs: ActionEvent | None = None  # what a colleague did since the page was drawn
    mine: Mapping[str, Any] = field(default_factory=dict)  # what would have been sent


@dataclass(frozen=True)
class Result:
    """What became of a submit."""

    draft_id: str
    lines: tuple[ResultLine, ...]
    repeated: bool = False  # it was submitted before; this is what became of it then


class NotConfirmed(WwtError):
    """The plan needs a yes, or its number typed, before it is carried out."""

    def __init__(self, plan: Plan, message: str) -> None:
        super().__init__(message)
        self.plan = plan
