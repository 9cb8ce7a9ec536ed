"""The kinds of action that plugins offer, and what the executor honours of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from wwt_framework.errors import NotFound
from wwt_framework.hooks.manager import Answer, Hooks
from wwt_framework.model import Case, NotHonoured
from wwt_framework.plugin import ActionKind, Field

#: Names that older forms and scripts use -> ours.
OLD_NAMES = {"recover": "acdc", "investigate": "special"}

#: Set of plugins -> what they registered; forgotten with the set.
_KNOWN: WeakKeyDictionary[Hooks, tuple[tuple[str, ...], list[Answer]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class KindChoice:
    """One kind of action, as the form offers it."""

    kind: ActionKind
    plugin: str
    why_not: str = ""  # why nobody would carry it out; "": it is usable
    refusals: tuple[NotHonoured, ...] = ()  # of this kind, its fields and choices

    @property
    def per_task(self) -> tuple[Field, ...]:
        """The fields that each task has, without its sites."""
        return tuple(field for field in self.kind.fields if field.per_task and field.type != "sites")

    @property
    def per_form(self) -> tuple[Field, ...]:
        """The fields that the whole action has once."""
        return tuple(field for field in self.kind.fields if not field.per_task)

    @property
    def has_tasks(self) -> bool:
        """Whether the action is on single tasks of a workflow, not on it as a whole."""
        return any(field.per_task for field in self.kind.fields)

    @property
    def has_sites(self) -> bool:
        """Whether each task is given sites."""
        return any(field.per_task and field.type == "sites" for field in self.kind.fields)

    def refusal(self, field: str, value: object) -> str:
        """Why the executor does not honour *value* in *field*; "" when it does."""
        shown = {str(one) for one in value} if isinstance(value, list | tuple) else {str(value)}
        return next((r.why for r in self.refusals if r.field == field and (not r.choice or r.choice in shown)), "")


@dataclass(frozen=True)
class Offer:
    """All kinds, and the plugins that could not say theirs."""

    choices: tuple[KindChoice, ...]
    complaints: tuple[str, ...] = ()


def offer(hooks: Hooks) -> Offer:
    """What can be asked for, in the order of plugins.yml; a name that is taken is left out and complained of."""
    registered = _registered(hooks)
    refused = hooks.each("build_refusals")
    complaints = [answer.complaint for answer in (*registered, *refused) if not answer.ok]
    refusals = [refusal for answer in refused if answer.ok for refusal in answer.value]
    found: dict[str, KindChoice] = {}
    for answer in registered:
        for kind in answer.value or () if answer.ok else ():
            if kind.name in found:
                complaints.append(f"{answer.plugin}: {kind.name} is offered by {found[kind.name].plugin} already")
                continue
            mine = tuple(refusal for refusal in refusals if refusal.kind == kind.name)
            why_not = next((refusal.why for refusal in mine if not refusal.field), "")
            found[kind.name] = KindChoice(kind, answer.plugin, why_not, mine)
    return Offer(tuple(found.values()), tuple(complaints))


def _registered(hooks: Hooks) -> list[Answer]:
    """What plugins offer, asked once for each set of plugins; who failed is asked again."""
    plugins = tuple(hooks.implementing("register_actions"))
    known = _KNOWN.get(hooks)
    if known is None or known[0] != plugins:
        answers = hooks.each("register_actions")
        if not all(answer.ok for answer in answers):
            return answers
        _KNOWN[hooks] = known = (plugins, answers)
    return known[1]


def pushed(hooks: Hooks) -> dict[str, str]:
    """Kind -> plugin, of those that plugins carry out themselves."""
    found: dict[str, tuple[ActionKind, str]] = {}
    for answer in _registered(hooks):
        for kind in answer.value or () if answer.ok else ():
            found.setdefault(kind.name, (kind, answer.plugin))
    return {name: plugin for name, (kind, plugin) in found.items() if kind.delivery == "push"}


def kinds(hooks: Hooks) -> tuple[KindChoice, ...]:
    """What can be asked for, in the order of plugins.yml."""
    return offer(hooks).choices


def kind_named(hooks: Hooks, name: str) -> KindChoice:
    """The kind called *name*, also by the name that older forms use. Raises `NotFound`."""
    choices = kinds(hooks)
    for choice in choices:
        if choice.kind.name == name:
            return choice
    if name in OLD_NAMES:
        return kind_named(hooks, OLD_NAMES[name])
    known = ", ".join(choice.kind.name for choice in choices) or "none; the actions block of plugins.yml lists them"
    raise NotFound(f"There is no kind of action {name!r}; there are: {known}.")


def fields_for(hooks: Hooks, choice: KindChoice, cases: Sequence[Case]) -> tuple[KindChoice, str]:
    """*choice* with the fields that its plugin gives it for *cases*, and the complaint when it could not say."""
    if "build_action_fields" not in hooks.implemented_by(choice.plugin):
        return choice, ""
    answer = hooks.only(choice.plugin, "build_action_fields", kind=choice.kind.name, cases=list(cases))
    if not answer.ok:
        return choice, answer.complaint
    if answer.value is None:
        return choice, ""
    kind = choice.kind
    built = ActionKind(kind.name, kind.label, kind.help, tuple(answer.value), kind.role, kind.many, kind.delivery)
    return KindChoice(built, choice.plugin, choice.why_not, choice.refusals), ""
