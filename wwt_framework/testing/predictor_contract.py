"""What pages, training and the evaluation rely on, of every plugin that expects actions: `PredictorContract`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    ErrorCount,
    ErrorTable,
    Known,
    LogExcerpt,
    Prediction,
    Readiness,
    SiteStatus,
    Task,
    Workflow,
)
from wwt_framework.plugin import Decision, Predictor
from wwt_framework.testing.contracts import AT, PluginContract, about
from wwt_framework.testing.running import Running

#: Exit code -> what operators do about it, in the history that contracts make up.
DONE = {85: "acdc", 8028: "acdc", 73: "clone"}


@dataclass(frozen=True)
class MadeUpHistory:
    """Decisions in memory, as a `History`."""

    decisions: tuple[Decision, ...]

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.decisions)

    def __len__(self) -> int:
        return len(self.decisions)

    def until(self, at: datetime) -> MadeUpHistory:
        return MadeUpHistory(tuple(one for one in self.decisions if one.decided_at < at))


def contract_history(decisions: int = 180) -> MadeUpHistory:
    """Decisions that follow from the exit code alone, as `DONE` says; one a day, each on two tasks."""
    codes = sorted(DONE)
    return MadeUpHistory(tuple(_decision(number, codes[number % len(codes)]) for number in range(decisions)))


def _decision(number: int, code: int) -> Decision:
    at = AT + timedelta(days=number)
    kind = DONE[code]
    case = predictable_case(f"wwt_contract_w{number}", code, 3 + number % 5)
    tasks = {task.short: {"memory": 4000} for task in case.workflow.tasks} if kind == "acdc" else {}
    action = Action(f"a{number}", kind, case.workflow.name, {}, tasks, (), "olga", ActionState.DONE, at, at)
    return Decision(case, action, at)


def predictable_case(name: str, code: int, count: int = 4) -> Case:
    """A case of two tasks that fail with *code* at two sites."""
    tasks = tuple(Task(f"/{name}/{short}", kind) for short, kind in (("Make", "Production"), ("Make/Join", "Merge")))
    sites = {site: SiteStatus(site, Readiness.GREEN, "enabled") for site in ("T1_AA_One", "T2_BB_Two")}
    errors = ErrorTable(ErrorCount(task.path, code, site, count) for task in tasks for site in sites)
    logs = tuple(LogExcerpt(task.path, code, "T1_AA_One", "SomeError", f"it ended with {code}") for task in tasks)
    workflow = Workflow(name, f"prep-{name}", "Campaign", "TaskChain", requested_at=AT, tasks=tasks)
    return Case(workflow, errors, logs, sites=sites, known={"errors": Known("errors", "", "ok", AT)})


class PredictorContract(PluginContract):
    """What pages, training and the evaluation rely on, of every plugin that expects actions."""

    def make_cases(self) -> Sequence[Case]:
        """Cases that it is asked about."""
        return [predictable_case(f"wwt_contract_case{code}", code) for code in sorted(DONE)]

    @pytest.fixture
    def predictor(self, running: Running, tmp_path: Path) -> Predictor:
        """The model, trained on `contract_history` where the plugin can be trained."""
        folder = tmp_path / "model"
        folder.mkdir()
        if running.has("train_predictor"):
            report = running.ask("train_predictor", history=contract_history(), into=folder, progress=lambda *_: None)
            assert report is not None, "180 decisions on 360 tasks are enough to learn something from"
        it: Predictor = running.ask("load_predictor", folder=folder)
        return it

    def test_every_task_is_told_of_and_its_probabilities_are_some(self, predictor: Predictor) -> None:
        for case, found in self._asked(predictor):
            total: dict[str, float] = defaultdict(float)
            for one in found:
                assert 0 <= one.probability <= 1
                total[one.task] += one.probability
            assert set(total) <= {"", *(count.task for count in case.errors)}
            assert all(0 < share <= 1 + 1e-6 for share in total.values())

    def test_the_most_probable_is_told_first(self, predictor: Predictor) -> None:
        for _, found in self._asked(predictor):
            shares = [one.probability for one in found]
            assert shares == sorted(shares, reverse=True)

    def test_every_prediction_names_its_model_and_what_it_learnt_from(
        self, predictor: Predictor, running: Running
    ) -> None:
        for _, found in self._asked(predictor):
            assert all(one.model for one in found)
            assert all(one.training_set for one in found) or not running.has("train_predictor")

    def test_the_most_probable_one_says_why(self, predictor: Predictor) -> None:
        for _, found in self._asked(predictor):
            assert not found or found[0].why

    def test_it_says_the_same_twice_and_of_many_as_of_one(self, predictor: Predictor) -> None:
        cases = self.make_cases()
        together = [[_plain(one) for one in found] for found in predictor.predict(cases)]

        assert [[_plain(one) for one in found] for found in predictor.predict(cases)] == together
        assert [[_plain(one) for one in predictor.predict([case])[0]] for case in cases] == together

    def test_nothing_is_asked_and_nothing_is_answered(self, predictor: Predictor) -> None:
        assert list(predictor.predict([])) == []

    def test_a_case_without_errors_is_accepted(self, predictor: Predictor) -> None:
        (found,) = predictor.predict([Case(Workflow("wwt_contract_empty"))])

        assert list(found) == []

    def test_what_it_never_saw_is_no_trouble(self, predictor: Predictor) -> None:
        strange = Case(
            Workflow("wwt_contract_strange"),
            ErrorTable([ErrorCount("/wwt_contract_strange/\u202eT", 987654, "T9_\0", 10**12)]),
        )
        (found,) = predictor.predict([strange])

        assert all(0 <= one.probability <= 1 for one in found)

    @about("train_predictor")
    def test_it_learns_what_follows_from_the_exit_code(self, running: Running, predictor: Predictor) -> None:  # noqa: ARG002
        for case, found in self._asked(predictor):
            code = case.errors.main_exit_code
            assert code is not None
            assert found[0].action == DONE[code], f"of {code} it says {found[0].action}"

    @about("train_predictor")
    def test_too_little_changes_nothing(self, running: Running, tmp_path: Path) -> None:
        into = tmp_path / "little"
        into.mkdir()

        assert running.ask(
            "train_predictor", history=MadeUpHistory(()), into=into, progress=lambda *_: None
        ) is None  # fmt: skip

    @about("train_predictor")
    def test_a_folder_that_holds_no_model_is_refused(self, running: Running, tmp_path: Path) -> None:
        empty = tmp_path / "empty"
        empty.mkdir()

        answer = running.answer("load_predictor", folder=empty)
        assert not answer.ok
        assert "Traceback" not in str(answer.error)

    def _asked(self, predictor: Predictor) -> list[tuple[Case, Sequence[Prediction]]]:
        cases = self.make_cases()
        return list(zip(cases, predictor.predict(cases), strict=True))


def _plain(one: Prediction) -> tuple[str, str, float]:
    return one.action, one.task, round(one.probability, 9)
