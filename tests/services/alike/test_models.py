from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from wwt_framework.services.alike.models import Models

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def fit(models, text, minutes=0):
    with models.making("clustering.x", NOON + timedelta(minutes=minutes)) as into:
        (into / "model").write_text(text)


def test_there_is_no_model_before_the_first_fit(tmp_path):
    assert Models(tmp_path).current("clustering.x").folder is None
    assert Models(tmp_path).current("clustering.x").stamp == ""


def test_the_newest_model_counts_and_says_when_it_was_fitted(tmp_path):
    models = Models(tmp_path)
    fit(models, "first")
    fit(models, "second", minutes=5)

    now = models.current("clustering.x")

    assert (now.folder / "model").read_text() == "second"
    assert now.fitted_at == NOON + timedelta(minutes=5)


def test_the_old_model_counts_until_the_new_one_is_whole(tmp_path):
    models = Models(tmp_path)
    fit(models, "first")

    with models.making("clustering.x", NOON + timedelta(minutes=5)) as into:
        (into / "model").write_text("half")
        assert (models.current("clustering.x").folder / "model").read_text() == "first"


def test_a_fit_that_fails_leaves_nothing(tmp_path):
    models = Models(tmp_path)
    fit(models, "first")

    with pytest.raises(ValueError, match="no"), models.making("clustering.x", NOON + timedelta(minutes=5)):
        raise ValueError("no")

    assert (models.current("clustering.x").folder / "model").read_text() == "first"
    assert len(list((tmp_path / "clustering.x").iterdir())) == 1


def test_what_a_killed_process_left_is_swept_and_old_models_go(tmp_path):
    models = Models(tmp_path)
    (tmp_path / "clustering.x" / "unfinished-20261123T110000.000000Z").mkdir(parents=True)
    (tmp_path / "clustering.x" / "strange").mkdir()
    for minute in range(4):
        fit(models, str(minute), minute)

    left = sorted(path.name for path in (tmp_path / "clustering.x").iterdir())

    assert left == ["20261123T120200.000000Z", "20261123T120300.000000Z", "strange"]


def test_after_the_clock_was_set_back_what_is_made_counts(tmp_path):
    models = Models(tmp_path)
    for minutes in (5000, 6000):
        fit(models, "of the future", minutes)
    fit(models, "first", 0)
    fit(models, "second", 5)

    now = models.current("clustering.x")
    assert (now.folder / "model").read_text() == "second"
    assert len(list((tmp_path / "clustering.x").iterdir())) == 2
