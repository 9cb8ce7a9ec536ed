"""What predictors say is put beside what was decided; they are believed where they earned it."""

from __future__ import annotations

import numpy as np
import pytest

from wwt_framework.model import Prediction
from wwt_framework.services.learning.judging import OTHER, Always, judge, shares_of, sure_of, thresholds
from wwt_framework.services.learning.scoring import Said, Truth
from wwt_framework.testing import contract_history


class Broken:
    on_view = False

    def predict(self, cases):
        raise RuntimeError("no idea")


def test_shares_of_a_task_are_of_it_or_of_the_whole_workflow():
    told = [Prediction("acdc", 0.7, "m", task="/w/a"), Prediction("clone", 0.3, "m", task="/w/a"),
            Prediction("special", 1.0, "m", {"action": "on-hold"}, task="/w/b")]  # fmt: skip

    assert shares_of(told, "/w/a") == {"acdc": 0.7, "clone": 0.3}
    assert shares_of(told, "/w/b") == {"on-hold": 1.0}
    assert shares_of([Prediction("acdc", 0.6, "m")], "/w/c") == pytest.approx({"acdc": 0.6, OTHER: 0.4})
    assert shares_of([], "/w/c") == {OTHER: 1}


def test_every_task_of_every_decision_is_a_row_and_who_fails_is_named():
    found = judge(contract_history(30), {"always": Always({"acdc": 9, "clone": 1}), "broken": Broken()})

    assert len(found.rows) == len(found.truth) == 60
    assert found.truth.labels.count("clone") == 20
    assert found.said["always"].probability[0].tolist() == [0.9, 0.1]
    assert found.failed == {"broken": "it failed: RuntimeError: no idea"}
    assert "broken" not in found.said


def test_a_label_is_believed_from_where_it_is_wrong_half_as_often_as_by_guessing():
    # 60 % acdc: believed where 80 % of what is at least so sure is right.
    labels = ("acdc",) * 6 + ("clone",) * 4
    p = [0.99, 0.98, 0.97, 0.96, 0.6, 0.55, 0.95, 0.7, 0.65, 0.62]
    said = Said("m", ("acdc", "clone"), np.array([[x, 1 - x] for x in p]))
    truth = Truth(labels, tuple(map(str, range(10))))
    believed = thresholds(truth, said, least=3)

    # in order: four right (1.0), one wrong (4/5 = 0.8), and below that never 0.8 again
    assert believed == {"acdc": 0.95}
    assert sure_of(said, believed).tolist() == [True] * 4 + [False] * 2 + [True] + [False] * 3


def test_what_was_seen_too_seldom_is_never_believed():
    said = Said("m", ("acdc", "clone"), np.array([[0.1, 0.9], [0.2, 0.8]]))

    assert thresholds(Truth(("clone", "clone"), ("a", "b")), said) == {}
