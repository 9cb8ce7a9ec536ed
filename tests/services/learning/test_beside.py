"""A model in shadow is put beside the one that counts, on decisions that neither can have learnt from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version as version_of

import pytest

from tests.services.learning.test_training import MONDAY, NAME, Pupil
from wwt_framework.evidence import decision_label
from wwt_framework.hooks.manager import Hooks
from wwt_framework.services.learning import beside
from wwt_framework.services.learning.history import Past, kept
from wwt_framework.services.learning.models import About, Models, Which
from wwt_framework.testing import contract_history

DAY = timedelta(days=1)
#: Of exit codes 73, 85 and 8028 in turn: operators clone one in three.
DECISIONS = contract_history(90).decisions
#: When the models were made: after 30 decisions.
MADE = DECISIONS[30].decided_at


@pytest.fixture
def hooks():
    hooks = Hooks()
    hooks.register(NAME, Pupil())
    return hooks


@pytest.fixture
def models(tmp_path):
    """The one that counts gives acdc 0.4, so that it says clone; the one in shadow gives it 0.7."""
    models = Models(tmp_path, NAME)
    for version, number in (("counts", 0.4), ("shadow", 0.7)):
        model(models, version, number)
    models.choose(Which("counts", "shadow"))
    return models


def model(models, version, number, made_at=MADE):
    folder = models.begin(version)
    (folder / "number").write_text(str(number))
    models.keep(folder, About(NAME, version, made_at, "set1", 9, "", version_of("scikit-learn"), {}))


def count(hooks, models, decisions, now):
    beside.count(hooks, models._folder.parent.parent, kept(decisions), now, lambda _: None)
    return beside.of(models)


def test_what_was_decided_after_both_were_made_is_counted_and_nothing_else(hooks, models):
    told = count(hooks, models, DECISIONS, DECISIONS[60].decided_at)
    found = beside.compared(told)

    assert [row.when for row in told.rows[::2]] == [one.decided_at for one in DECISIONS[30:60]]
    assert (found.tasks, found.families, found.alike) == (60, 30, 0)
    labels = [decision_label(one.action.kind, {}) for one in DECISIONS[30:60]]
    assert found.shadow_right == 2 * labels.count("acdc") == 40
    assert found.current_right == 2 * labels.count("clone") == 20
    # by hand: -log 0.7 and -log 0.4 where acdc was decided, -log 0.3 and -log 0.6 where not
    assert found.surprise.value == pytest.approx((40 * (0.35667 - 0.91629) + 20 * (1.20397 - 0.51083)) / 60, abs=1e-4)
    assert found.gain.value == pytest.approx(1 / 3)
    assert found.differs[0].when == DECISIONS[59].decided_at


def test_the_next_count_goes_on_where_the_last_one_ended(hooks, models):
    count(hooks, models, DECISIONS, DECISIONS[50].decided_at)
    told = count(hooks, models, DECISIONS, DECISIONS[60].decided_at)

    assert len(told.rows) == 60
    assert (told.since, told.until) == (MADE, DECISIONS[60].decided_at)


def test_a_newer_model_that_counts_is_asked_about_what_came_after_it(hooks, models):
    count(hooks, models, DECISIONS, DECISIONS[50].decided_at)
    model(models, "newer", 0.6, DECISIONS[55].decided_at)
    models.take("newer")
    told = count(hooks, models, DECISIONS, DECISIONS[60].decided_at)

    assert [row.when for row in told.rows[40::2]] == [one.decided_at for one in DECISIONS[55:60]]
    assert {row.current for row in told.rows[:40]} == {"clone"}
    assert {row.current for row in told.rows[40:]} == {"acdc"}


def test_a_family_about_which_something_was_decided_before_is_left_out(hooks, models):
    known = DECISIONS[3].case.workflow.prep_id
    again = replace(DECISIONS[40], case=replace(DECISIONS[40].case, workflow=DECISIONS[3].case.workflow))
    decisions = [*DECISIONS[:40], again, *DECISIONS[41:60]]
    told = count(hooks, models, decisions, DECISIONS[60].decided_at)

    assert known not in {row.family for row in told.rows}
    assert len(told.rows) == 58


def test_without_a_shadow_the_past_is_not_read(hooks, models):
    def read():
        raise AssertionError("it was read")

    models.choose(Which("counts"))
    beside.count(hooks, models._folder.parent.parent, Past(read), MONDAY, lambda _: None)

    assert beside.of(models) is None


def test_another_shadow_begins_anew(hooks, models):
    count(hooks, models, DECISIONS, DECISIONS[50].decided_at)
    model(models, "other", 0.6, DECISIONS[50].decided_at)
    models.choose(Which("counts", "other"))

    assert beside.of(models) is None
    assert len(count(hooks, models, DECISIONS, DECISIONS[60].decided_at).rows) == 20


def test_what_can_not_be_asked_is_said_and_counted_when_it_can_be(hooks, models):
    model(models, "shadow", 0.7)
    path = models.checked("shadow") / "number"
    before = path.read_text()
    path.write_text("0.9")
    told = count(hooks, models, DECISIONS, DECISIONS[50].decided_at)
    path.write_text(before)
    again = count(hooks, models, DECISIONS, DECISIONS[60].decided_at)

    assert "its checksum differs" in beside.compared(told).trouble
    assert told.rows == ()
    assert again.trouble == ""
    assert len(again.rows) == 60


@pytest.mark.parametrize(
    ("upto", "shadow", "counts", "words"),
    [
        (35, 0.67, 0.1, "too little to tell: decisions about 20 families of workflows are needed, there are 5"),
        (90, 0.67, 0.1, "the shadow is better"),
        (90, 0.1, 0.67, "the shadow is worse"),
        (90, 0.7, 0.7, "no difference can be told: both gave the same"),
        (90, 0.7, 0.4, "no difference can be told: the interval"),
    ],
)
def test_the_verdict_needs_enough_families_and_an_interval_beside_zero(hooks, models, upto, shadow, counts, words):
    model(models, "shadow", shadow)
    model(models, "counts", counts)
    told = count(hooks, models, DECISIONS[:upto], DECISIONS[-1].decided_at + DAY)

    assert beside.compared(told).verdict.startswith(words)


def test_a_file_that_can_not_be_read_is_begun_anew(hooks, models):
    models.note("beside.json", b"[1, 2")

    assert beside.of(models) is None
