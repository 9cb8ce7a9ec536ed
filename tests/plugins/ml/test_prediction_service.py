"""A prediction service is asked task by task, its answers are understood, and a dead one is left alone."""

from __future__ import annotations

import pytest
import requests
import responses
from responses import matchers

from wwt_framework.errors import SourceError
from wwt_framework.testing import PredictorContract
from wwt_framework.testing.predictor_contract import predictable_case

URL = "http://models.example.org/predict"
TASK = "/w/Make"


@pytest.fixture
def service():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def predictor(wwt_plugin, tmp_path):
    return wwt_plugin("ml.prediction_service", url=URL).plugin.load_predictor(tmp_path)


class TestPredictionService(PredictorContract):
    plugin = "ml.prediction_service"
    options = {"url": URL}  # noqa: RUF012  # as contracts have it

    @pytest.fixture(autouse=True)
    def _answers(self, service):
        service.get(URL, json={"forest": {"value": "acdc", "plot": "https://x.example.org/p"}})


def test_d_h_every_task_is_asked_about_by_its_name_and_the_workflows(service, predictor):
    for task in (TASK, "/w/Make/Join"):
        query = matchers.query_param_matcher({"wf": "w", "tsk": task})
        service.get(URL, json={"forest": {"value": "clone", "plot": "https://x.example.org"}}, match=[query])
    (found,) = predictor.predict([predictable_case("w", 85)])

    assert {(one.task, one.action) for one in found} == {(TASK, "clone"), ("/w/Make/Join", "clone")}
    assert found[0].model == "forest (uncalibrated)"
    assert found[0].why == ("forest says so",)


def test_d_h_an_action_by_itself_is_an_answer_too_and_old_names_are_understood(service, predictor):
    service.get(URL, json={"old": "recover", "new": {"value": "on-hold"}, "silent": {"value": ""}})
    (found,) = predictor.predict([predictable_case("w", 85)])
    of_task = {(one.action, one.parameters.get("action"), one.probability) for one in found if one.task == TASK}

    assert of_task == {("acdc", None, 0.5), ("special", "on-hold", 0.5)}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 500}, "answered 500"),
        ({"body": "<html>"}, "something that is no JSON"),
        ({"json": ["acdc"]}, "answered without models"),
        ({"body": requests.ConnectTimeout("slow")}, "can not be asked: ConnectTimeout"),
        ({"body": b"[" + b" " * 1_100_000}, "more than 1,000,000 bytes"),
        ({"body": b"[" * 100_000}, "something that is no JSON"),
        ({"body": b"\x1f\x8bno", "headers": {"Content-Encoding": "gzip"}}, "can not be asked: DecodeError"),
        ({"status": 302, "headers": {"Location": "http://evil.example.org"}}, "answered 302"),
    ],
)
def test_a_service_that_answers_badly_is_told_in_words_and_then_left_alone(service, predictor, answer, words):
    service.get(URL, **answer)
    with pytest.raises(SourceError, match=words):
        predictor.predict([predictable_case("w", 85)])
    asked = len(service.calls)

    with pytest.raises(SourceError, match="asked again in 60 s"):
        predictor.predict([predictable_case("w", 85)])
    assert len(service.calls) == asked


def test_a_service_that_drips_is_given_up_in_time(wwt_plugin, tmp_path, dripping):
    predictor = wwt_plugin("ml.prediction_service", url=dripping, timeout_s=0.2).plugin.load_predictor(tmp_path)

    with pytest.raises(SourceError, match=r"did not answer within 0\.2 s"):
        predictor.predict([predictable_case("w", 85)])
