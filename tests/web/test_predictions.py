"""Predictions on the page of a workflow and as JSON; the history that they are made of; the models."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from importlib.metadata import version as version_of
from pathlib import Path

import pytest

from tests.services.case_world import ORIGINAL, case_world
from wwt_framework import hookimpl
from wwt_framework.evidence import plain_case
from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    ErrorCount,
    ErrorTable,
    Prediction,
    Readiness,
    SiteStatus,
    Workflow,
)
from wwt_framework.services.learning import beside
from wwt_framework.services.learning.models import About, Models, Which
from wwt_framework.store import ledger
from wwt_framework.store.ledger import KeptResult

AT = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
BROWSER = {"Origin": "http://wwt.example"}


class Says:
    """A model that is sure, on the spot."""

    on_view = False

    def __init__(self, probability=0.97):
        self.probability = probability

    def predict(self, cases):
        return [
            [Prediction("acdc", self.probability, "sure 2026-11-23", {"memory": "4000"}, task, ("exit code 85 (+9 %)",), "set1")
             for task in case.errors.tasks]
            for case in cases
        ]  # fmt: skip


class Asking:
    """A predictor that is not trained; *predictor* is what it asks."""

    def __init__(self, predictor):
        self.predictor = predictor

    @hookimpl
    def load_predictor(self, folder: Path):
        return self.predictor


class Trained(Asking):
    @hookimpl
    def train_predictor(self, history, into, progress):
        return None


class Hanging:
    """Somebody who is asked and never answers."""

    on_view = True

    def __init__(self):
        self.free = threading.Event()

    def predict(self, cases):
        self.free.wait(120)
        return [[] for _ in cases]


class Failing:
    on_view = True

    def predict(self, cases):
        raise RuntimeError("<b>no</b>")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return case_world(tmp_path_factory.mktemp("case") / "v1")


@pytest.fixture
def visit(installation, world):
    def build(**plugins):
        return installation(plugins={f"ml.{name}": plugin for name, plugin in plugins.items()}, snapshot=world)

    return build


def said(client, name=ORIGINAL):
    """The panel of predictions as text, once every model that can has answered."""
    client.app.forecasts.of(client.app.board.snapshot.case(name), client.app.board.snapshot.version, 60)
    panel = client.get(f"/seeworkflow?workflow={name}").dom().find(".//section[@id='predictions']")
    return None if panel is None else " ".join("".join(panel.itertext()).replace("\u202f", " ").split())


def test_p10_the_page_says_what_models_expect_how_probable_and_why(visit):
    text = said(visit(sure=Asking(Says())))

    assert "acdc 97 % with memory 4000 exit code 85 (+9 %)" in text
    assert "sure 2026-11-23, learnt from set set1" in text


def test_the_panel_and_the_page_of_predictors_lead_to_the_newest_result_in_the_lab(visit):
    client = visit(sure=Asking(Says()), other=Asking(Says()))
    before = client.get(f"/seeworkflow?workflow={ORIGINAL}")
    for number in (1, 2):
        ledger.keep_lab_result(client.app.store, KeptResult(f"r{number}", "ml.sure", "", AT, "olga", {}))

    assert "sure not yet" in before.text
    assert 'href="/lab/r2"' in client.get(f"/seeworkflow?workflow={ORIGINAL}").text
    assert "other not yet" in said(client)
    assert [one["measured"] for one in client.get("/predictors?format=json").json] == ["r2", ""]
    page = client.get("/predictors").text
    assert 'href="/lab/r2"' in page
    assert 'href="/lab/r1"' not in page


def test_a_page_without_predictors_has_no_panel(visit):
    assert said(visit()) is None


def test_an_untrained_model_says_so_and_does_not_stop_others(visit):
    text = said(visit(new=Trained(Says()), sure=Asking(Says())))

    assert "ml.new: not trained yet" in text
    assert ". A" not in said(visit(new=Trained(Says())))
    assert "acdc 97 %" in text


def test_a_service_that_does_not_answer_never_delays_the_page(visit):
    hanging = Hanging()
    client = visit(dead=Asking(hanging), sure=Asking(Says()))
    client.app.forecasts.of(client.app.board.snapshot.case(ORIGINAL), client.app.board.snapshot.version, 0)
    got = client.get(f"/seeworkflow?workflow={ORIGINAL}")
    hanging.free.set()

    assert got.status == 200
    assert "ml.dead: no answer yet; look at the page again in a moment" in got.text


def test_a_model_that_hangs_holds_a_few_threads_and_no_more(visit):
    hanging = Hanging()
    client = visit(dead=Asking(hanging))
    case, forecasts = client.app.board.snapshot.case(ORIGINAL), client.app.forecasts
    for number in range(50):
        told = forecasts.of(case, f"v{number}", 0)
    held = [thread for thread in threading.enumerate() if thread.name == "predict ml.dead"]
    hanging.free.set()
    for thread in held:
        thread.join(60)

    assert len(held) == 8
    assert told.opinions[0].trouble.startswith("no answer yet: 8 questions wait for one already")
    assert not forecasts.of(case, "v50", 60).opinions[0].trouble


@pytest.mark.parametrize("says", [None, [None], [[None]], [[Prediction("acdc", float("nan"), "x")]]])
def test_a_model_that_says_garbage_is_named(visit, says):
    class Garbage(Failing):
        def predict(self, cases):
            return says

    assert "ml.broken: " in (text := said(visit(broken=Asking(Garbage()), sure=Asking(Says()))))
    assert "expected predictions" in text or "it failed: TypeError" in text
    assert "acdc 97 %" in text


def test_a_model_that_wants_to_end_the_program_is_named(visit):
    class Leaving(Failing):
        def predict(self, cases):
            raise SystemExit(1)

    assert "ml.leaving: it failed: SystemExit" in said(visit(leaving=Asking(Leaving())))


def test_a_model_that_fails_is_named_and_what_it_says_is_text(visit):
    text = said(visit(broken=Asking(Failing())))

    assert "ml.broken: it failed: RuntimeError" in text


def test_below_its_threshold_a_model_is_not_sure(visit):
    client = visit(new=Trained(Says(0.6)))
    models = Models(client.app.forecasts._data_dir, "ml.new")  # where a training would keep it
    about = About("ml.new", "v1", AT, "set1", 10, "learnt", version_of("scikit-learn"), {"acdc": 0.9})
    models.keep(models.begin("v1"), about)
    models.take("v1")

    assert "not sure acdc 60 %" in said(client)


def test_j15_predict_answers_a_table_under_action(visit):
    client = visit(sure=Asking(Says()))
    said(client)
    told = client.get(f"/predict?workflow={ORIGINAL}").json

    assert list(told) == ["Action"]
    assert told["Action"].startswith('<table class="predictiontable">')
    assert "<td>acdc</td>" in told["Action"]


def test_j15_without_models_or_when_they_are_off_it_says_so(installation, world):
    client = installation(snapshot=world)
    off = installation(plugins={"ml.sure": Asking(Says())}, snapshot=world, predict=False)

    for one in (client, off):
        assert one.get(f"/predict?workflow={ORIGINAL}").json == {"Action": "Suggestions turned off"}
    assert said(off) is None


def test_j15_an_unknown_workflow_is_404(visit):
    assert visit().get("/predict?workflow=nobody").status == 404


def test_predictions_are_told_by_name_as_json(visit):
    client = visit(sure=Asking(Says()))
    said(client)
    (model,) = client.get(f"/predict?workflow={ORIGINAL}&format=json").json["models"]

    assert model["training_set"] == "set1"
    assert model["tasks"][0]["expects"] == "acdc"
    assert model["tasks"][0]["why"] == ["exit code 85 (+9 %)"]


# -- the history ---------------------------------------------------------------


def keep(store, number, kind, values=None, tasks=None, name=None):
    """One action with what was on the page: /wN/a fails at a ready site and at one that is not."""
    name = name or f"w{number}"
    at = AT + timedelta(hours=number)
    action = Action(f"a{number}", kind, name, values or {}, tasks or {}, (), "olga", ActionState.DONE, at, at)
    sites = {
        "T1_A": SiteStatus("T1_A", Readiness.GREEN, "enabled"),
        "T2_B": SiteStatus("T2_B", Readiness.YELLOW, "drain"),
    }
    counts = [ErrorCount(f"/{name}/a", 85, "T1_A", 3), ErrorCount(f"/{name}/a", 85, "T2_B", 1),
              ErrorCount(f"/{name}/a/b", -1, "T9_X", 9)]  # fmt: skip
    ledger.import_actions(store, [action], "olga")
    ledger.keep_evidence(
        store, "v1", [(action.id, name, ledger.pack(plain_case(Case(Workflow(name), ErrorTable(counts), sites=sites))))]
    )


def test_j20_past_actions_are_told_with_errors_at_good_and_bad_sites(visit):
    client = visit()
    store = client.app.store
    keep(store, 1, "acdc", tasks={"a": {"memory": 4000, "xrootd": "enabled"}})
    keep(store, 2, "special", {"action": "on-hold"})
    keep(store, 3, "clone", {"splitting": "10x"})
    got = client.get("/actionshistory")
    told = got.json

    assert dict(got.headers)["Content-Type"] == "application/json"
    assert told["/w1/a"] == {
        "errors": {"good_sites": {"85": {"T1_A": 3}}, "bad_sites": {"85": {"T2_B": 1}}},
        "parameters": {"memory": 4000, "xrootd": "enabled", "action": "acdc"},
    }
    assert told["/w1/a/b"]["errors"] == {"good_sites": {}, "bad_sites": {"-1": {"T9_X": 9}}}
    assert told["/w1/a/b"]["parameters"] == {"action": "acdc"}
    assert told["/w2/a"]["parameters"] == {"action": "on-hold"}
    assert told["/w3/a"]["parameters"] == {"splitting": "10x", "action": "clone"}


def test_j20_of_several_actions_on_a_workflow_the_last_counts(visit):
    client = visit()
    keep(client.app.store, 1, "acdc", name="w")
    keep(client.app.store, 2, "clone", name="w")

    assert client.get("/actionshistory").json["/w/a"]["parameters"] == {"action": "clone"}


def test_j20_without_any_action_there_is_an_empty_object(visit):
    assert visit().get("/actionshistory").json == {}


# -- the models ----------------------------------------------------------------


def test_the_page_of_predictors_says_which_model_counts(visit):
    client = visit(new=Trained(Says()), service=Asking(Says()))
    text = client.get("/predictors").text

    assert "Not trained yet" in text
    assert "Asks somebody else" in text
    assert "Train now" not in text
    assert [one["plugin"] for one in client.get("/predictors?format=json").json] == ["ml.new", "ml.service"]


def test_only_an_admin_may_have_a_model_count(visit):
    client = visit(new=Trained(Says()))

    assert client.post("/predictors/take", user="olga", form={"plugin": "ml.new", "version": "v1"}).status == 403
    assert client.post("/predictors/take", user="adam", form={"plugin": "ml.new", "version": "../x"}).status == 400
    assert client.post("/predictors/take", user="adam", form={"plugin": "../x", "version": "v1"}).status == 404


# -- in shadow -----------------------------------------------------------------


def in_shadow(client, rows=0):
    """A model that counts and one in shadow; *rows*: tasks that were counted, of which the shadow has every other wrong."""
    models = Models(client.app.forecasts._data_dir, "ml.new")
    for version in ("v1", "v2"):
        models.keep(
            models.begin(version), About("ml.new", version, AT, "set1", 10, "learnt", version_of("scikit-learn"), {})
        )
    models.choose(Which("v1", "v2"))
    told = tuple(
        beside.Told(AT.isoformat(), f"<w{i}>", "a", f"p{i}", "acdc", ("acdc", "clone")[i % 2], "acdc", 0.5, 0.9)
        for i in range(rows)
    )
    if rows:
        beside.keep(models, beside.Beside("v2", "v1", AT, AT + timedelta(days=1), told))
    return models


def test_p10_a_model_in_shadow_is_put_beside_the_one_that_counts(visit):
    client = visit(new=Trained(Says()))
    in_shadow(client)
    before = client.get("/predictors").text
    in_shadow(client, 40)
    page = client.get("/predictors")
    text = " ".join("".join(page.dom().itertext()).replace("\u202f", " ").split())
    (told,) = client.get("/predictors?format=json").json

    assert "Nothing is counted yet" in before
    assert "The shadow is worse: its log-loss is higher" in text
    assert "40 tasks of 40 families" in text
    assert "Where they differ, the newest 20 of 20 tasks" in text
    assert 'href="/seeworkflow?workflow=%3Cw39%3E"' in page.text
    assert (told["beside"]["tasks"], told["beside"]["alike"], told["beside"]["shadow_right"]) == (40, 20, 20)
    assert told["beside"]["current_right"] == 40
    assert "End the shadow" not in text


def test_an_admin_ends_a_shadow_and_the_audit_says_so(visit):
    client = visit(new=Trained(Says()))
    models = in_shadow(client, 40)

    assert "End the shadow" in client.get("/predictors", user="adam").text
    assert client.post("/predictors/end_shadow", user="olga", form={"plugin": "ml.new"}).status == 403
    assert client.post("/predictors/end_shadow", user="adam", form={"plugin": "ml.new"}).status == 303
    assert models.which() == Which("v1")
    assert "ended a shadow" in client.get("/audit", user="adam").text
    assert "In shadow" not in client.get("/predictors").text


@pytest.mark.parametrize(
    ("made_with", "change", "words"),
    [
        ("0.1.0", b"", "was made with scikit-learn 0.1.0"),
        ("", b"x", "is not the file that was written (its checksum differs)"),
    ],
)
def test_a_model_that_is_not_loaded_says_so_where_an_admin_looks(visit, made_with, change, words):
    client = visit(new=Trained(Says()))
    models = Models(client.app.forecasts._data_dir, "ml.new")
    folder = models.begin("v1")
    (folder / "number").write_bytes(b"1")
    about = About("ml.new", "v1", AT, "set1", 10, "learnt", made_with or version_of("scikit-learn"), {})
    models.keep(folder, about)
    models.take("v1")
    path = Path(client.app.forecasts._data_dir) / "ml.new" / "models" / "v1" / "number"
    path.write_bytes(b"1" + change)

    assert words in client.get("/predictors").dom().find(".//p[@class='problem']").text
    assert words in client.get("/predictors?format=json").json[0]["unusable"]
    assert words in said(client)
