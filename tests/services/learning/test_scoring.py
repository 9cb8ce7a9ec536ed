"""Numbers about predictors: compared with scikit-learn's, and on answers whose numbers are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from wwt_framework.services.learning.scoring import METRICS, Interval, Said, Truth, difference, gain, score

CLASSES = ("acdc", "clone", "on-hold")


def answers(seed=3, tasks=400):
    """Truth in 100 families, and answers that know something of it."""
    random = np.random.default_rng(seed)
    decided = random.choice(3, tasks, p=[0.8, 0.15, 0.05])
    raw = random.random((tasks, 3)) + np.eye(3)[decided] * 0.6
    truth = Truth(tuple(CLASSES[i] for i in decided), tuple(f"f{i // 4}" for i in range(tasks)))
    return truth, Said("some", CLASSES, raw / raw.sum(1, keepdims=True)), decided


def always_acdc(truth):
    return Said("always", CLASSES, np.tile([0.94, 0.05, 0.01], (len(truth), 1)))


def test_numbers_are_those_of_scikit_learn():
    truth, said, decided = answers()
    found = score(truth, said, rounds=0).numbers
    most = said.probability.argmax(1)

    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(decided, most))
    assert found["balanced_accuracy"].value == pytest.approx(metrics.balanced_accuracy_score(decided, most))
    assert found["macro_f1"].value == pytest.approx(metrics.f1_score(decided, most, average="macro"))
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(decided, said.probability))
    assert found["auc_acdc"].value == pytest.approx(metrics.roc_auc_score(decided == 0, said.probability[:, 0]))


def test_equal_probabilities_count_half_in_the_area():
    truth, said, decided = answers()
    coarse = Said("coarse", CLASSES, np.round(said.probability, 1))

    expected = metrics.roc_auc_score(decided == 0, coarse.probability[:, 0])
    assert score(truth, coarse, rounds=0).numbers["auc_acdc"].value == pytest.approx(expected)


def test_precision_and_recall_of_each_class_are_those_of_scikit_learn():
    truth, said, decided = answers()
    precision, recall, _, support = metrics.precision_recall_fscore_support(decided, said.probability.argmax(1))
    found = score(truth, said, rounds=0).classes

    assert [one.label for one in found] == list(CLASSES)
    assert [one.precision for one in found] == pytest.approx(precision)
    assert [one.recall for one in found] == pytest.approx(recall)
    assert [one.decided for one in found] == support.tolist()


def test_whoever_only_says_acdc_looks_as_useless_as_that_is():
    labels = ("acdc",) * 94 + ("clone",) * 5 + ("on-hold",)
    truth = Truth(labels, tuple(f"f{i}" for i in range(100)))
    found = score(truth, always_acdc(truth), rounds=50)

    assert found.numbers["accuracy"].value == pytest.approx(0.94)
    assert found.numbers["balanced_accuracy"].value == pytest.approx(1 / 3)
    assert found.numbers["auc_acdc"].value == 0.5
    assert found.numbers["macro_f1"].value == pytest.approx(2 * 0.94 / 1.94 / 3)
    assert [(one.precision, one.recall) for one in found.classes] == [(0.94, 1.0), (None, 0.0), (None, 0.0)]
    assert found.numbers["calibration_error"].value == pytest.approx(0)


def test_calibration_error_is_the_distance_of_what_was_said_from_what_was_so():
    truth = Truth(("acdc",) * 6 + ("clone",) * 4, tuple("abcdefghij"))
    sure = Said("sure", ("acdc", "clone"), np.tile([0.9, 0.1], (10, 1)))

    assert score(truth, sure, rounds=0).numbers["calibration_error"].value == pytest.approx(0.3)
    assert score(truth, sure, rounds=0).curve[0] == (pytest.approx(0.9), 1.0, 1)


def test_intervals_hold_the_number_and_are_wider_when_tasks_go_together():
    truth, said, _ = answers()
    alone = Truth(truth.labels, tuple(map(str, range(len(truth)))))
    doubled = Truth(truth.labels * 2, tuple(f"f{i}" for i in range(len(truth))) * 2)
    twice = Said("twice", CLASSES, np.vstack([said.probability] * 2))

    one, two = (score(t, s, rounds=200).numbers["accuracy"] for t, s in ((alone, said), (doubled, twice)))
    assert one.low < one.value < one.high
    # The same tasks twice tell nothing new: the interval stays as wide when families are drawn.
    assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.25)


def test_the_same_seed_gives_the_same_interval():
    truth, said, _ = answers()

    assert score(truth, said, rounds=30, seed=5) == score(truth, said, rounds=30, seed=5)


def test_the_paired_difference_of_a_predictor_and_itself_is_nothing():
    truth, said, _ = answers()

    assert difference(truth, said, said, "auc_acdc", rounds=50) == Interval(0.0, 0.0, 0.0)


def test_the_paired_difference_tells_who_is_better():
    truth, said, _ = answers()
    found = difference(truth, said, always_acdc(truth), "auc_acdc", rounds=100)

    assert found.low > 0.1
    assert found.value == pytest.approx(score(truth, said, rounds=0).numbers["auc_acdc"].value - 0.5)


def test_without_anything_but_acdc_the_area_is_not_known():
    truth = Truth(("acdc",) * 30, tuple(map(str, range(30))))
    found = score(truth, always_acdc(truth), rounds=30)

    assert found.numbers["auc_acdc"] == Interval(None)
    assert str(found.numbers["auc_acdc"]) == "-"


def test_coverage_and_accuracy_are_told_of_what_it_is_sure_of():
    truth = Truth(("acdc", "acdc", "clone", "clone"), tuple("abcd"))
    said = Said("half", ("acdc", "clone"), np.tile([0.9, 0.1], (4, 1)), np.array([True, True, True, False]))
    found = score(truth, said, rounds=0)

    assert found.coverage == 0.75
    assert found.accuracy_when_sure == pytest.approx(2 / 3)


def test_no_task_at_all_is_no_mistake():
    found = score(Truth((), ()), Said("none", CLASSES, np.zeros((0, 3))), rounds=20)

    assert found.tasks == 0
    assert all(found.numbers[name] == Interval(None) for name in METRICS)


def test_of_no_difference_at_all_the_interval_goes_both_ways():
    families = [f"p{n}" for n in range(40)]
    none, some = gain([0.0] * 40, families), gain([1.0] * 20 + [0.0] * 20, families)

    assert (none.value, none.high) == (0.0, pytest.approx(1.96**2 / (40 + 1.96**2)))  # Wilson's for 0 of 40
    assert none.low == -none.high
    assert some.value == 0.5
    assert 0.3 < some.low < 0.5 < some.high < 0.7
    assert gain([], []) == Interval()
