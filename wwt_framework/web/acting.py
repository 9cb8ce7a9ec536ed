"""What the pages of acting show: the preview of a plan, and what became of a submit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wwt_framework.model import Problem, Reason
from wwt_framework.plugin import Field
from wwt_framework.services.desk import Intent, KindChoice, Line, Plan
from wwt_framework.services.desk.form import FormSite, FormTask, FormView
from wwt_framework.services.desk.shapes import LineState
from wwt_framework.services.overview_words import site_words
from wwt_framework.web.filters import middle_cut

#: Workflows that a preview draws before it is asked for all.
DRAWN = 50

#: state of a line -> words, colour of its badge
STATES: Mapping[LineState, tuple[str, str]] = {
    "go": ("will be queued", "good"),
    "blocked": ("blocked", "bad"),
    "missing": ("not here any more", "bad"),
    "needs sites": ("needs sites", "warn"),
    "acted elsewhere": ("somebody acted meanwhile", "warn"),
    "changed": ("not as it was shown", "warn"),
}


def workflows_words(count: int) -> str:
    return f"{count:,} workflow{'' if count == 1 else 's'}"


def value_words(value: Any, unit: str = "") -> str:
    """A value of a field as people read it."""
    if value is None or value in ("", ()):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple, frozenset, set)):
        return ", ".join(map(str, value))
    return f"{value} {unit}" if unit else str(value)


class Worded:
    """Values of fields in words."""

    fields: Mapping[str, Field]

    def label(self, name: str) -> str:
        return self.fields[name].label if name in self.fields else name

    def words(self, name: str, value: Any) -> str:
        return value_words(value, self.fields[name].unit if name in self.fields else "")


@dataclass(frozen=True)
class PreviewPage(Worded):
    """What the template of a preview shows."""

    plan: Plan
    seal: str  # `OpenDraft.seal` of what it shows
    draw_all: bool = False
    complaint: str = ""  # why it was not submitted just now

    @property
    def fields(self) -> Mapping[str, Field]:  # type: ignore[override]  # a property will do
        kind = self.plan.choice.kind if self.plan.choice else None
        return {field.name: field for field in kind.fields} if kind else {}

    @property
    def has_sites(self) -> bool:
        return self.plan.choice is not None and self.plan.choice.has_sites

    @property
    def label_of_kind(self) -> str:
        return self.plan.choice.kind.label if self.plan.choice else self.plan.intent.kind

    @property
    def amount(self) -> str:
        """As in "14 workflows (31 tasks)"."""
        totals = self.plan.totals
        tasks = f" ({totals.tasks:,} task{'' if totals.tasks == 1 else 's'})" if totals.tasks else ""
        return workflows_words(totals.workflows) + tasks

    @property
    def headline(self) -> str:
        """What the button would do, or that it would do nothing."""
        if not self.plan.intent.kind:
            return "Nothing yet: choose what to do"
        if not self.plan.go:
            return f"{self.label_of_kind}: nothing can be queued"
        return f"{self.label_of_kind} for {self.amount}"

    @property
    def button(self) -> str:
        verb = "Rehearse" if self.plan.rehearsal else "Queue"
        return f"{verb} {self.label_of_kind} for {self.amount}"

    @property
    def sums(self) -> list[tuple[int, str, str]]:
        """Number, words, colour: how the lines are shared out; zeros are left out."""
        totals = self.plan.totals
        changed = sum(bool(task.changed) for line in self.plan.lines for task in line.tasks if task.go)
        left_out = sum(len(line.left_out) for line in self.plan.lines)
        all_sums = [
            (totals.workflows, "to be queued", "good"),
            (totals.blocked, "not queued", "bad"),
            (totals.warned, "with a warning", "warn"),
            (changed, f"task{'' if changed == 1 else 's'} changed by guards", "warn"),
            (left_out, f"task{'' if left_out == 1 else 's'} left out", ""),
            (totals.errors, "failed jobs", ""),
        ]
        return [one for one in all_sums if one[0]]

    @property
    def once(self) -> Mapping[str, Any]:
        """Values that the whole action has once."""
        return self.plan.intent.values

    @property
    def may_submit(self) -> bool:
        return bool(self.plan.go)

    @property
    def changed(self) -> int:
        """Lines that would send something else than this preview said before."""
        return sum(line.state == "changed" for line in self.plan.lines)

    @property
    def waiting(self) -> int:
        """Tasks that have no site."""
        return sum(len(line.without_sites) for line in self.plan.lines)

    @property
    def why_not(self) -> str:
        if any(problem.blocking for problem in self.plan.problems):
            return "Nothing can be queued before the form is mended."
        if all(line.state == "needs sites" for line in self.plan.lines):
            return "Some tasks have no site: choose Manual and tick sites, or tick the other tasks only."
        return "No workflow is left that this could be done to."

    @property
    def _ordered(self) -> list[Line]:
        """What needs a look first, otherwise as in the list."""
        return sorted(self.plan.lines, key=lambda line: line.state == "go")

    @property
    def lines(self) -> list[Line]:
        return self._ordered if self.draw_all else self._ordered[:DRAWN]

    @property
    def hidden_lines(self) -> int:
        return len(self.plan.lines) - len(self.lines)

    def state_words(self, state: LineState) -> str:
        return STATES[state][0]

    def state_colour(self, state: LineState) -> str:
        return STATES[state][1]


# -- the form ------------------------------------------------------------------

#: Rows for new reasons that a form without a script has to spare.
SPARE_REASONS = 2
SIGNS = {"green": "●", "yellow": "◆", "red": "■", "none": "○"}
METHODS = (
    ("auto", "Auto", "each task where its input is, without sites in drain"),
    ("manual", "Manual", "at the sites ticked under Run here"),
    ("ban", "Ban", "where its input is, but not at those ticked under Ban"),
)


@dataclass(frozen=True)
class SiteRow:
    """One site of the table."""

    site: str
    colour: str  # of its readiness
    sign: str
    readiness: str
    production: str
    drained: bool
    input: int  # tasks that can run again there
    errors: int
    manual: bool
    banned: bool


@dataclass(frozen=True)
class TaskRow:
    """One task with fields of its own."""

    task: FormTask
    sites: frozenset[str]  # its own, under Manual; empty: those of all tasks
    site_choices: tuple[FormSite, ...]


@dataclass(frozen=True)
class FormPage:
    """What the template of the form shows."""

    view: FormView
    problems: tuple[Problem, ...] = ()
    changes: str = ""  # id of the action that this one would take the place of
    advice: str = ""  # id of the procedure that filled it in
    methods: tuple[tuple[str, str, str], ...] = METHODS
    blank: str = "nothing chosen"

    @property
    def intent(self) -> Intent:
        return self.view.intent

    @property
    def choice(self) -> KindChoice | None:
        return self.view.choice

    @property
    def title(self) -> str:
        workflows = self.intent.workflows
        return f"Act on {middle_cut(workflows[0], 70) if len(workflows) == 1 else workflows_words(len(workflows))}"

    @property
    def once_fields(self) -> tuple[Field, ...]:
        return self.choice.per_form if self.choice else ()

    @property
    def task_fields(self) -> tuple[Field, ...]:
        return self.choice.per_task if self.choice else ()

    def refusal(self, field: str, value: str = "") -> str:
        """Why the executor does not honour *field*, or *value* of it; "" when it does."""
        refusals = self.choice.refusals if self.choice else ()
        return next((r.why for r in refusals if r.field == field and r.choice == value), "")

    @property
    def tasks(self) -> list[TaskRow]:
        own = self.intent.sites if self.intent.method == "manual" else {}
        return [
            TaskRow(
                task,
                frozenset(own.get(task.path, own.get(task.short, ()))),
                tuple(s for s in self.view.sites if s.site in task.run or s.site in own.get(task.short, ())),
            )
            for task in self.view.tasks
        ]

    @property
    def sites(self) -> list[SiteRow]:
        return [_site_row(site) for site in self.view.sites]

    @property
    def new_reasons(self) -> tuple[Reason, ...]:
        return (*self.intent.reasons, *[Reason("", "")] * SPARE_REASONS)


def _site_row(site: FormSite) -> SiteRow:
    colour, readiness, production = site_words(site.status)
    return SiteRow(
        site.site, colour, SIGNS[colour], readiness, production, site.drained, len(site.input), site.errors,
        site.ticked, site.banned,
    )  # fmt: skip
