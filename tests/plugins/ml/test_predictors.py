"""Every shipped predictor keeps the contract; the older console's function of Python still works."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier

from wwt_framework.errors import PluginError
from wwt_framework.model import Case, ErrorCount, ErrorTable, Readiness, SiteStatus, Task, Workflow
from wwt_framework.testing import PredictorContract, contract_history
from wwt_plugins._ml import keeping
from wwt_plugins._ml.features import features_of, reason_of
from wwt_plugins._ml.learning import Member, linear, mend
from wwt_plugins.ml.mlp import counts_of, get_classifier

pytestmark = pytest.mark.slow


class TestBaseline(PredictorContract):
    plugin = "ml.baseline"


class TestLinear(PredictorContract):
    plugin = "ml.linear"


class TestBoosting(PredictorContract):
    plugin = "ml.boosting"
    options = {"rounds": 10, "leaves": 4}  # noqa: RUF012  # as contracts have it


class TestMlp(PredictorContract):
    plugin = "ml.mlp"
    options = {"rounds": 400, "hidden": [20]}  # noqa: RUF012


def entry(action, good=None, bad=None, **parameters):
    errors = {"good_sites": good or {}, "bad_sites": bad or {}}
    return {"errors": errors, "parameters": {**parameters, "action": action}}


RAW = {
    "/w1/a": entry("acdc", {"85": {"T1_A": 3, "T2_B": 1}}, memory="4000"),
    "/w2/a": entry("clone", {}, {"73": {"T2_B": 5}}),
    "/w3/a": entry("acdc", {"85": {"T1_A": 2}}, {"85": {"T2_B": 7}}),
    "/w4/a": entry("clone", {}, {"73": {"T1_A": 4}}),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_c4_the_function_of_the_older_console_gives_a_fitted_estimator():
    found = get_classifier(RAW, "action", solver="lbfgs", random_state=1)

    assert isinstance(found, MLPClassifier)
    assert found.labels == ["acdc", "clone"]
    # codes 73, 85; sites T1_A, T2_B; good, then bad: 2 x 2 x 2 columns
    assert found.n_features_in_ == 8
    row = np.array([[0, 0, 3, 1, 0, 0, 0, 0]])  # 85 at both sites, which were good
    assert found.labels[found.predict(row)[0]] == "acdc"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_c4_any_parameter_can_be_told_and_one_that_is_missing_is_a_class_of_its_own():
    assert get_classifier(RAW, "memory", max_iter=5).labels == ["4000", ""]


def case(**more):
    sites = {"T1_A": SiteStatus("T1_A", Readiness.GREEN, "enabled"), "T2_B": SiteStatus("T2_B", Readiness.RED, "drain")}
    counts = [ErrorCount("/w/a", 85, "T1_A", 3), ErrorCount("/w/a", 85, "T2_B", 1), ErrorCount("/w/a", -1, "T9_X", 9),
              ErrorCount("/w/b", 73, "T2_B", 2)]  # fmt: skip
    tasks = (Task("/w/a", "Processing"), Task("/w/b", "Merge"))
    return Case(Workflow("w", request_type="ReReco", tasks=tasks), ErrorTable(counts), sites=sites, **more)


def test_counts_are_by_code_site_and_readiness():
    assert dict(counts_of(case()))["/w/a"] == {"good:85 at T1_A": 3, "bad:85 at T2_B": 1, "bad:-1 at T9_X": 9}


def test_a_task_is_told_by_its_codes_its_type_and_by_what_fails_beside_it():
    found = dict(features_of(case()))["/w/a"]

    assert found["code:85"] == found["type:Processing"] == found["beside code:73"] == found["request:ReReco"] == 1
    assert found["share:85"] == 1.0
    assert found["at closed sites"] == 0.25
    assert "code:-1" not in found


def test_reasons_are_words_that_an_operator_knows():
    assert reason_of("code:85 in Merge") == reason_of("share:85") == "exit code 85"
    assert reason_of("beside code:73") == "another task has 73"
    assert reason_of("sites") == "how many sites fail"


def test_probabilities_that_are_too_bold_are_mended():
    random = np.random.default_rng(1)
    decided = (random.random(2000) < 0.3).astype(int)  # it knows nothing, and is sure all the same
    raw = np.log(np.tile([0.99, 0.01], (2000, 1)))

    assert mend(raw, decided).apply(raw)[0] == pytest.approx([0.7, 0.3], abs=0.03)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("columns", [None, np.array([0, 2, 3])])
def test_d_h_shares_by_arithmetic_are_those_of_scikit_learn(classes, columns):
    random = np.random.default_rng(1)
    matrix = sp.random(300, 5, 0.6, "csr", np.float32, random)
    decided = (matrix.toarray()[:, 0] * 2.99).astype(int) % classes
    seen = matrix if columns is None else matrix.toarray()[:, columns]
    trees = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=5, early_stopping=False)
    estimator = (linear(1.0) if columns is None else trees).fit(seen, decided)

    assert Member(estimator, columns).shares(matrix) == pytest.approx(estimator.predict_proba(seen))


def test_a_damaged_model_is_refused_in_words(tmp_path):
    (tmp_path / keeping.FILE).write_bytes(b"PK\x03\x04 no zip at all")

    with pytest.raises(PluginError, match=r"can not be read .* train the model again"):
        keeping.load(tmp_path)


def test_a_model_that_holds_something_strange_is_not_read(tmp_path):
    keeping.save(tmp_path, {"model": Fraction(1, 2)})

    with pytest.raises(PluginError, match=r"holds what no model of ours is made of \(fractions.Fraction\)"):
        keeping.load(tmp_path)


def test_a_small_file_that_unpacks_to_more_than_there_is_memory_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "_MOST", 1000)
    keeping.save(tmp_path, {"model": "x" * 2000})

    with pytest.raises(PluginError, match=r"unpacks to [\d,]+ bytes, and 1,000 are the most that is read"):
        keeping.load(tmp_path)


def test_a_pickle_is_never_loaded(tmp_path):
    import pickle

    class Boom:
        def __reduce__(self):
            return (tmp_path.joinpath("boom").touch, ())

    (tmp_path / keeping.FILE).write_bytes(pickle.dumps(Boom()))

    with pytest.raises(PluginError):
        keeping.load(tmp_path)
    assert not (tmp_path / "boom").exists()


def test_the_contracts_history_is_split_by_until():
    past = contract_history(30)

    assert len(past.until(past.decisions[10].decided_at)) == 10
