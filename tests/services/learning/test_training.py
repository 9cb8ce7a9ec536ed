"""Predictors are trained on the past, judged on what came later, and count only when they are not worse."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest

from wwt_framework import hookimpl
from wwt_framework.errors import WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Prediction
from wwt_framework.plugin import TrainingReport
from wwt_framework.services.learning.history import kept
from wwt_framework.services.learning.models import Models
from wwt_framework.services.learning.training import How, train
from wwt_framework.testing import contract_history

MONDAY, TUESDAY = (datetime(2026, 11, day, tzinfo=timezone.utc) for day in (23, 24))
NAME = "ml.pupil"


class Says:
    on_view = False

    def __init__(self, probability):
        self._p = probability

    def predict(self, cases):
        return [
            [Prediction(action, p, "pupil", task=task) for task in case.errors.tasks
             for action, p in (("acdc", self._p), ("clone", 1 - self._p))]
            for case in cases
        ]  # fmt: skip


class Pupil:
    """Learns a number that a test tells it, and remembers what it was shown."""

    def __init__(self):
        self.learns = 0.7
        self.seen = []

    @hookimpl
    def train_predictor(self, history, into, progress):
        self.seen = list(history)
        if self.learns is None:
            return None
        (into / "number").write_text(str(self.learns))
        return TrainingReport("learnt a number", len(self.seen), "set1")

    @hookimpl
    def load_predictor(self, folder):
        return Says(float((folder / "number").read_text()))


@pytest.fixture
def pupil():
    return Pupil()


@pytest.fixture
def hooks(pupil):
    hooks = Hooks()
    hooks.register(NAME, pupil)
    return hooks


PAST = kept(contract_history(120).decisions)


def trained(hooks, folder, at=MONDAY, **how):
    return train(hooks, folder, PAST, How(rounds=20, **how), at, lambda _: None)


def test_the_newest_quarter_is_not_learnt_from(hooks, pupil, tmp_path):
    found = trained(hooks, tmp_path)

    assert len(pupil.seen) == found.learnt.decisions == 90
    assert found.judged.decisions == 30
    assert max(one.decided_at for one in pupil.seen) < found.judged.since


def test_the_first_model_counts_and_is_kept_with_its_numbers(hooks, tmp_path):
    trained(hooks, tmp_path)
    models = Models(tmp_path, NAME)
    about = models.about(models.which().current)

    assert about.version == "20261123-000000-set1"
    assert about.report["tasks"] == 60
    assert about.training_set == "set1"
    assert about.verdict == "the first model"


def test_a_worse_model_does_not_count_unless_it_is_forced(hooks, pupil, tmp_path):
    trained(hooks, tmp_path)
    pupil.learns = 0.01
    (one,) = trained(hooks, tmp_path, TUESDAY).trained
    before = Models(tmp_path, NAME).which().current
    (forced,) = trained(hooks, tmp_path, TUESDAY, force=True).trained

    assert not one.counts
    assert before.startswith("20261123")
    assert "worse: log-loss" in one.words
    assert one.words.endswith("the old one stays")
    assert forced.counts
    assert Models(tmp_path, NAME).which().current.startswith("20261124")


def test_a_better_model_counts_and_the_one_before_stays(hooks, pupil, tmp_path):
    pupil.learns = 0.01
    trained(hooks, tmp_path)
    pupil.learns = 0.7
    (one,) = trained(hooks, tmp_path, TUESDAY).trained

    assert one.counts
    assert Models(tmp_path, NAME).which().previous.startswith("20261123")


def test_in_shadow_a_model_is_kept_beside_the_one_that_counts(hooks, tmp_path):
    trained(hooks, tmp_path)
    (one,) = trained(hooks, tmp_path, TUESDAY, shadow=True).trained
    which = Models(tmp_path, NAME).which()

    assert not one.counts
    assert which.current.startswith("20261123")
    assert which.shadow.startswith("20261124")


def test_too_little_to_learn_from_changes_nothing(hooks, pupil, tmp_path):
    pupil.learns = None
    (one,) = trained(hooks, tmp_path).trained

    assert one.words == "too little to learn from; nothing changed"
    assert Models(tmp_path, NAME).versions() == []


def test_baselines_are_judged_on_the_same_tasks(hooks, tmp_path):
    always, procedures = trained(hooks, tmp_path).baselines

    assert always.tasks == procedures.tasks == 60
    assert always.numbers["auc_acdc"].value == 0.5


def test_a_predictor_that_is_not_there_is_named(hooks, tmp_path):
    with pytest.raises(WwtError, match=r"no predictor 'nobody' can be trained; there are: ml\.pupil"):
        trained(hooks, tmp_path, plugins=("nobody",))


class Garbage(Pupil):
    """Trains well, and says what nobody can use."""

    says = None

    @hookimpl
    def load_predictor(self, folder):
        return self

    def predict(self, cases):
        return self.says(cases)


def leave(_cases):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (lambda _: None, "it failed: TypeError"),
        (leave, "it failed: SystemExit: 3"),
        (lambda cases: [[None] for _ in cases], "expected predictions with an action, .*; got None"),
        (lambda cases: [[Prediction("acdc", float("nan"), "x")] for _ in cases], "got Prediction.*nan"),
        (lambda cases: [[Prediction("acdc", "a lot", "x")] for _ in cases], "got Prediction.*a lot"),
        (lambda cases: [[Prediction(["acdc"], 0.5, "x")] for _ in cases], "got Prediction"),
        (lambda cases: [[Prediction("acdc", 3.0, "x")] for _ in cases], "got Prediction"),
    ],
)
def test_a_predictor_that_says_garbage_is_named_and_the_others_are_trained(hooks, tmp_path, says, words):
    garbage = Garbage()
    garbage.says = says
    hooks.register("ml.garbage", garbage)
    pupil, other = trained(hooks, tmp_path).trained

    assert pupil.counts
    assert other.failed
    assert re.search(words, other.words)


@pytest.mark.parametrize("training_set", [None, 7])
def test_a_report_that_is_none_is_named(hooks, pupil, tmp_path, monkeypatch, training_set):
    class Odd(Pupil):
        @hookimpl
        def train_predictor(self, history, into, progress):
            (into / "number").write_text("0.5")
            return TrainingReport("learnt", 5, training_set)

    hooks.register("ml.odd", Odd())
    found = trained(hooks, tmp_path)

    assert found.failed
    assert found.text.endswith(
        "; ml.odd, train_predictor: expected a report with decisions, a number, and "
        f"training_set, a text; got 5 and {training_set!r}"
    )
    assert found.trained[0].counts


def test_a_training_set_never_becomes_a_path(hooks, tmp_path):
    class Odd(Pupil):
        @hookimpl
        def train_predictor(self, history, into, progress):
            (into / "number").write_text("0.5")
            return TrainingReport("learnt", 5, "../../x")

    hooks.register("ml.odd", Odd())
    found = trained(hooks, tmp_path)

    assert found.trained[1].about.version == "20261123-000000-x"


def test_what_counts_and_can_not_be_read_is_put_right_by_a_training(hooks, tmp_path):
    trained(hooks, tmp_path)
    (tmp_path / NAME / "models" / "which.json").write_text("{")
    (one,) = trained(hooks, tmp_path, TUESDAY).trained

    assert one.words == "the first model"
    assert Models(tmp_path, NAME).which().current.startswith("20261124")


def test_a_predictor_whose_models_can_not_be_kept_stops_no_other(hooks, tmp_path):
    hooks.register("ml.other", Pupil())
    (tmp_path / NAME).write_text("no folder")
    one, other = trained(hooks, tmp_path).trained

    assert one.failed
    assert "a new model can not be kept" in one.words
    assert other.counts
