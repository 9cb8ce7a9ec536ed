"""What can be tried in the lab: predictors, sets of procedures, automatic rules; and the voice of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wwt_framework.errors import NotFound, PluginError, WwtError
from wwt_framework.evidence import decision_label
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, Prediction
from wwt_framework.plugin import History, Progress
from wwt_framework.services.lab.words import Opinion
from wwt_framework.services.learning.judging import asked, expected, recommended
from wwt_framework.services.learning.training import learnt_by

#: What a voice says of one case: by `Task.path`; a task that it leaves out, or an empty label, is silence.
Voice = Callable[[Case], Mapping[str, Opinion]]


@dataclass(frozen=True)
class Subject:
    """Something that says what to do."""

    name: str  # ml.boosting, actions.procedures, actions.auto_rules:lost-reports
    kind: Literal["predictor", "procedures", "rule"]
    label: str
    help: str = ""
    fingerprint: str = ""  # of a rule: another one when the rule is another one
    asked_today: bool = False  # it can not be put back in time

    @property
    def plugin(self) -> str:
        return self.name.partition(":")[0]

    @property
    def rule(self) -> str:
        return self.name.partition(":")[2]


@dataclass
class Speaker:
    """A voice, and what is to be known of it. ``failed`` counts the cases of which it could not be asked."""

    say: Voice
    learnt: int = 0
    model: str = ""
    notes: tuple[str, ...] = ()
    failed: int = 0
    complaint: str = ""  # the first failure


def subjects(hooks: Hooks) -> list[Subject]:
    """All that can be tried, predictors first."""
    found = [
        Subject(name, "predictor", name, asked_today="train_predictor" not in hooks.implemented_by(name))
        for name in hooks.implementing("load_predictor")
    ]
    found += [Subject(name, "procedures", "what it recommends") for name in hooks.implementing("recommend_actions")]
    for answer in hooks.each("register_rules"):
        found += [
            Subject(f"{answer.plugin}:{rule.name}", "rule", rule.label, rule.help, rule.fingerprint, rule.asks_outside)
            for rule in answer.value or ()
        ]
    return found


def find_subject(hooks: Hooks, name: str) -> Subject:
    """The subject called *name*. Raises `NotFound` with those that there are."""
    there = subjects(hooks)
    for subject in there:
        if subject.name == name:
            return subject
    raise NotFound(
        f"There is nothing called {name[:80]!r} to try; there are: {', '.join(s.name for s in there) or 'none'}."
    )


def speaker(hooks: Hooks, subject: Subject, past: History, folder: Path, progress: Progress) -> Speaker:
    """The voice of *subject* as it would have been: a predictor learns *past*, which ends before what it is asked.

    *folder*: where its model is kept meanwhile. Raises `WwtError` when it can not speak at all.
    """
    if subject.kind == "predictor":
        return _predictor(hooks, subject, past, folder, progress)
    return _recommender(hooks, subject)


# -- predictors ----------------------------------------------------------------


def _predictor(hooks: Hooks, subject: Subject, past: History, folder: Path, progress: Progress) -> Speaker:
    if subject.asked_today:
        notes: tuple[str, ...] = ("It was asked as it is today: it may have learnt from these very decisions.",)
        learnt, answer = 0, hooks.only(subject.plugin, "load_predictor", folder=folder)
        if not answer.ok:
            raise WwtError(f"{subject.plugin} can not speak: {answer.complaint}")
        predictor = answer.value
    else:
        made = learnt_by(hooks, subject.plugin, past, folder, progress)
        if made is None:
            raise WwtError(
                f"{subject.plugin} finds too little to learn from in {len(past):,} decisions before that time; "
                "choose a later or shorter span"
            )
        report, predictor = made
        learnt, notes = report.decisions, ()
    told = Speaker(lambda _: {}, learnt, notes=notes)

    def say(case: Case) -> Mapping[str, Opinion]:
        try:
            (predictions,) = asked(predictor, [case])
        except PluginError as error:
            return _failed(told, str(error))
        if predictions:
            told.model = predictions[0].model
        return {task: _most_likely(predictions, task) for task in case.errors.tasks}

    told.say = say
    return told


def _most_likely(predictions: Sequence[Prediction], task: str) -> Opinion:
    """As on the page of a workflow. Where something that it does not name is likelier, it says nothing."""
    shares, best = expected(predictions, task)
    if best is None:
        return Opinion()
    return Opinion(*shares[0], "; ".join(best.why)[:300])


# -- procedures and rules ------------------------------------------------------


def _recommender(hooks: Hooks, subject: Subject) -> Speaker:
    notes = ("It was asked as it is today: who answers may know what became of these workflows.",)
    told = Speaker(lambda _: {}, notes=notes if subject.asked_today else ())

    def say(case: Case) -> Mapping[str, Opinion]:
        if subject.kind == "rule":
            answer = hooks.only(subject.plugin, "apply_rule", rule=subject.rule, case=case)
            several = (answer.value,) if answer.ok and answer.value is not None else ()
        else:
            answer = hooks.only(subject.plugin, "recommend_actions", case=case)
            several = tuple(answer.value or ()) if answer.ok else ()
        if not answer.ok:
            return _failed(told, answer.complaint)
        found = ((task, recommended(several, case, task)) for task in case.errors.tasks)
        return {
            task: Opinion(decision_label(one.action, one.parameters), None, one.reason[:300])
            for task, one in found
            if one is not None
        }

    told.say = say
    return told


def _failed(told: Speaker, complaint: str) -> dict[str, Opinion]:
    told.failed += 1
    told.complaint = told.complaint or complaint
    return {}
