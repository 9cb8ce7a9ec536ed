"""Models on disk: which one counts, and what is refused."""

from __future__ import annotations

import threading
from datetime import datetime, timezone

import orjson
import pytest

from wwt_framework.errors import WwtError
from wwt_framework.services.learning.models import About, Models, Which, turn, version_of

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
        WwtError, match=r"model.skops of the model v1 of ml.x is not the file that was written .* train it again"
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


def test_what_counts_and_can_not_be_read_is_put_right_by_the_next_model(models, tmp_path):
    keep(models, "v1")
    (tmp_path / "ml.x" / "models" / "which.json").write_text('{"cur')
    with pytest.raises(WwtError, match="train the model again"):
        models.which()
    keep(models, "v2")
    models.take("v2")

    assert models.which() == Which("v2")
    assert models.versions() == ["v2", "v1"]


def test_a_folder_in_the_place_of_a_file_is_refused_in_a_sentence(models, tmp_path):
    keep(models, "v1")
    (tmp_path / "ml.x" / "models" / "v1" / "__pycache__").mkdir()

    with pytest.raises(WwtError, match=r"__pycache__ of the model v1 of ml\.x is not the file that was written"):
        models.checked("v1")


def test_a_folder_of_models_that_is_a_file_is_told_in_a_sentence(models, tmp_path):
    (tmp_path / "ml.x").mkdir()
    (tmp_path / "ml.x" / "models").write_text("no folder")

    with pytest.raises(WwtError, match=r"ml\.x: a new model can not be kept: .*models"):
        models.begin("v1")
    with pytest.raises(WwtError, match=r"ml\.x: which model counts can not be written down"):
        models.choose(Which("v1"))


def test_what_a_killed_training_left_is_gone_when_the_next_begins(models, tmp_path):
    models.begin("v1")
    models.begin("v2")

    assert [path.name for path in (tmp_path / "ml.x" / "models").iterdir()] == [".new-v2"]


def test_two_trainings_come_one_after_the_other(tmp_path):
    told, waits, turns = [], threading.Event(), []

    def second():
        with turn(tmp_path, lambda words: (told.append(words), waits.set())):
            turns.append("second")

    thread = threading.Thread(target=second)
    with turn(tmp_path, told.append):
        thread.start()
        assert waits.wait(60)
        turns.append("first")
    thread.join(60)

    assert turns == ["first", "second"]
    assert told == ["another training runs; this one waits for its end"]


@pytest.mark.parametrize("change", [{"believed": None}, {"files": []}, {"report": 7}, {"made_at": "once"}, {"more": 1}])
def test_what_is_known_of_a_model_and_has_no_shape_is_refused_in_a_sentence(models, tmp_path, change):
    keep(models, "v1")
    path = tmp_path / "ml.x" / "models" / "v1" / "about.json"
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **change}))

    with pytest.raises(WwtError, match=r"what is known of the model v1 of ml\.x can not be read"):
        models.checked("v1")
