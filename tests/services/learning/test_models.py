"""Models on disk: which one counts, and what is refused."""

from __future__ import annotations

from datetime import datetime, timezone

import orjson
import pytest

from wwt_framework.errors import WwtError
from wwt_framework.services.learning.models import About, Models, Which, version_of

AT = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)


def keep(models, version):
    folder = models.begin(version)
    (folder / "model.skops").write_bytes(b"something that was learnt")
    about = About("ml.x", version, AT, "set1", 10, "learnt", version_of("scikit-learn"), {"acdc": 0.9})
    return models.keep(folder, about)


@pytest.fixture
def models(tmp_path):
    return Models(tmp_path, "ml.x")


def test_a_model_is_kept_with_what_it_was_made_of_and_does_not_count_yet(models):
    keep(models, "v1")

    assert models.versions() == ["v1"]
    assert models.which() == Which()
    assert models.about("v1").believed == {"acdc": 0.9}
    assert models.checked("v1").name == "v1"


def test_the_one_that_is_taken_counts_and_the_one_before_is_remembered(models):
    for version in ("v1", "v2"):
        keep(models, version)
        models.take(version)

    assert models.which() == Which("v2", "", "v1")


def test_a_shadow_that_is_taken_is_no_shadow_any_more(models):
    keep(models, "v1")
    models.choose(Which("", "v1", ""))
    models.take("v1")

    assert models.which() == Which("v1", "", "")


def test_a_file_that_was_changed_is_refused_in_a_sentence(models):
    keep(models, "v1")
    (models.checked("v1") / "model.skops").write_bytes(b"something else")

    with pytest.raises(
        WwtError, match=r"model.skops of the model v1 of ml.x is not the one that was written .* train it again"
    ):
        models.checked("v1")


def test_a_file_that_somebody_added_is_refused(models):
    keep(models, "v1")
    (models.checked("v1") / "extra.pkl").write_bytes(b"boo")

    with pytest.raises(WwtError, match=r"extra\.pkl"):
        models.checked("v1")


def test_a_model_of_another_scikit_learn_is_refused_in_a_sentence(models, tmp_path):
    keep(models, "v1")
    path = tmp_path / "ml.x" / "models" / "v1" / "about.json"
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), "scikit_learn": "0.1"}))

    with pytest.raises(WwtError, match=r"made with scikit-learn 0.1, this is .*train it again with `wwt train`"):
        models.checked("v1")


@pytest.mark.parametrize("version", ["../../etc", "", "v1/..", "a b"])
def test_what_is_no_version_never_becomes_a_path(models, version):
    with pytest.raises(WwtError, match="expected the version of a model"):
        models.about(version)


def test_a_model_that_is_not_there_is_said(models):
    with pytest.raises(WwtError, match=r"ml\.x has no model 'v9'"):
        models.take("v9")


def test_old_models_go_but_those_that_count(models):
    for number in range(1, 7):
        keep(models, f"v{number}")
        if number == 1:
            models.take("v1")

    assert models.versions() == ["v6", "v5", "v1"]
