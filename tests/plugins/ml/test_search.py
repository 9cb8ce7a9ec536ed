"""Options of predictors are chosen on later decisions about other families; the fits go through `compute`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from wwt_framework.testing import contract_history
from wwt_framework.testing.doors import ComputeHere
from wwt_plugins._ml.learning import Table, linear
from wwt_plugins._ml.search import choices_of, folds_of, searched
from wwt_plugins.ml.boosting import Boosting
from wwt_plugins.ml.linear import Linear, fit

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def table_of(rows):
    """A table of (family, label, features), a day after one another."""
    table = Table()
    for day, (family, label, features) in enumerate(rows):
        table._add(features)
        table.families.append(family)
        table.labels.append(label)
        table.parameters.append({})
        table.times.append(START + timedelta(days=day))
    return table


def test_folds_are_later_than_what_is_learnt_and_of_other_families():
    rows = [(f"p{n % 7 if n % 10 == 9 else n}", "acdc" if n % 3 else "clone", {"x": 1.0}) for n in range(100)]
    table = table_of(rows)
    first, second = folds_of(table, 2)

    assert first.learnt.tolist() == list(range(50))
    assert second.learnt.tolist() == list(range(75))
    for fold, upto in ((first, 75), (second, 100)):
        learnt = {table.families[row] for row in fold.learnt}
        assert fold.judged.min() >= len(fold.learnt)
        assert fold.judged.max() < upto
        assert not learnt & {table.families[row] for row in fold.judged}
    assert 59 not in first.judged  # p3, of which something was learnt


def test_nothing_is_compared_where_one_decision_is_all_that_was_taken():
    assert folds_of(table_of([(f"p{n}", "acdc", {"x": 1.0}) for n in range(50)]), 3) == []


def test_every_combination_is_a_choice_and_what_is_wrong_is_refused():
    options = Boosting.Options(search={"rounds": (10, 20), "rate": (0.1, 0.2, 0.3)})

    assert [(one.rounds, one.rate) for one in choices_of(options)] == [
        (10, 0.1), (10, 0.2), (10, 0.3), (20, 0.1), (20, 0.2), (20, 0.3),
    ]  # fmt: skip
    assert choices_of(Boosting.Options()) == [Boosting.Options()]
    with pytest.raises(ValidationError, match="expected values of some of: columns, leaves, rate, rounds"):
        Boosting.Options(search={"folds": (1,)})
    with pytest.raises(ValidationError, match="search has no value of rounds"):
        Boosting.Options(search={"rounds": ()})
    with pytest.raises(ValidationError, match="rate"):
        Boosting.Options(search={"rate": (0.1, 7.0)})


def test_the_choice_with_the_least_surprise_on_later_rows_is_taken():
    random = np.random.default_rng(1)
    rows = []
    for n in range(600):  # one feature tells all; forty are noise, by which a regression that is free is led astray
        label = "clone" if random.random() < 0.3 else "acdc"
        noise = {f"n{k}": 1.0 for k in range(40) if random.random() < 0.5}
        rows.append(
            (f"p{n}", label, {**noise, **({"told": 1.0} if (label == "clone") != (random.random() < 0.2) else {})})
        )
    table = table_of(rows)
    options = Linear.Options(search={"strength": (0.0001, 0.05, 100.0)})
    choice = searched(table, fit, options, ComputeHere(), lambda _: None)

    by_hand = {}
    _, matrix = table.matrix(5)
    labels = np.array(table.labels, object)
    for strength in (0.0001, 0.05, 100.0):
        losses = []
        for begin, end in ((300, 400), (400, 500), (500, 600)):
            model = linear(strength).fit(matrix[:begin], labels[:begin])
            share = model.predict_proba(matrix[begin:end])
            at = [list(model.classes_).index(label) for label in labels[begin:end]]
            losses.append(-np.log(share[np.arange(100), at]).mean())
        by_hand[strength] = np.mean(losses)
    assert choice.options.strength == min(by_hand, key=by_hand.get) == 0.05
    assert choice.words.startswith("strength 0.05 of 3 choices, log-loss ")
    assert f"log-loss {min(by_hand.values()):.4f} to {max(by_hand.values()):.4f}" in choice.words


def test_predictors_that_describe_alike_read_the_past_once(tmp_path):
    class Counted:
        reads = 0

        def __init__(self, past):
            self.past = past

        def __iter__(self):
            self.reads += 1
            return iter(self.past)

    history = Counted(contract_history(60))
    for kind in (Linear, Boosting):
        into = tmp_path / kind.__name__
        into.mkdir()
        options = kind.Options(**({"rounds": 5} if kind is Boosting else {}))
        context = SimpleNamespace(name="ml.x", options=options, compute=ComputeHere())
        assert kind(context).train_predictor(history, into, lambda *_: None) is not None
    other = Counted(contract_history(60))
    Boosting(context).train_predictor(other, tmp_path / "Boosting", lambda *_: None)

    assert (history.reads, other.reads) == (1, 1)


def test_what_was_chosen_is_told_with_the_training(tmp_path: Path):
    context = SimpleNamespace(
        name="ml.x", options=Linear.Options(search={"strength": (0.01, 1.0)}), compute=ComputeHere()
    )
    report = Linear(context).train_predictor(contract_history(120), tmp_path, lambda *_: None)

    assert "; strength 1.0 of 2 choices, log-loss " in report.text
