"""A prediction service: GET of ``<url>?wf=WORKFLOW&tsk=TASK`` answers ``{model: {"value": action, links ...}}``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import requests
from pydantic import Field
from urllib3.exceptions import HTTPError

from wwt_framework import hookimpl
from wwt_framework.errors import SourceError
from wwt_framework.model import Case, Prediction
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext, Predictor

from .._ml.rows import action_of

#: Longest answer that is read, bytes; longest text of it that is shown.
_MOST, _SHOWN = 1_000_000, 200
#: Names that the older services use.
_OLD = {"recover": "acdc"}


class PredictionService:
    """Ask a service over HTTP what its models expect, task by task; one that does not answer is left alone a while."""

    class Options(PluginOptions):
        url: str = Field(
            pattern=r"^https?://\S+$", description="address of the service; it is asked with ?wf=WORKFLOW&tsk=TASK"
        )
        timeout_s: float = Field(5, gt=0, le=60, description="seconds after which an answer is given up")
        rest_s: float = Field(60, ge=0, le=3600, description="seconds for which a service that failed is not asked")
        most_tasks: int = Field(20, ge=1, le=200, description="tasks of one workflow that are asked about")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        self._service = _Service(context)

    @hookimpl
    def load_predictor(self, folder: Path) -> Predictor:  # noqa: ARG002  # the models are the service's
        return self._service


class _Service:
    """The service at one address."""

    on_view = True

    def __init__(self, context: PluginContext[PredictionService.Options]) -> None:
        self._http = context.http
        self._options = context.options
        self._gather = context.gather
        self._resting: tuple[float, str] = (0.0, "")

    def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
        """What its models expect. Raises `SourceError` when that is not known."""
        return [self._of(case) for case in cases]

    def _of(self, case: Case) -> list[Prediction]:
        until, why = self._resting
        if time.monotonic() < until:
            raise SourceError(f"{why}; it is asked again in {until - time.monotonic():.0f} s")
        tasks = case.errors.tasks[: self._options.most_tasks]
        found: list[Prediction] = []
        asked = self._gather(lambda task: self._ask(case.workflow.name, task), tasks)
        for task, told in zip(tasks, asked, strict=True):
            if isinstance(told, SourceError):
                self._resting = (time.monotonic() + self._options.rest_s, str(told))
                raise told
            if isinstance(told, Exception):
                raise told
            found += self._read(task, told)
        return found

    def _read(self, task: str, told: dict[str, Any]) -> Iterator[Prediction]:
        """A prediction of each of its models; they share the whole, since none says how sure it is."""
        values = {name: _value(told[name]) for name in sorted(told)}
        said = {name: value for name, value in values.items() if value}
        for name, value in said.items():
            kind, parameters = action_of(_OLD.get(value, value))
            yield Prediction(
                kind, 1 / len(said), f"{name[:_SHOWN]} (uncalibrated)", parameters, task, (f"{name[:_SHOWN]} says so",)
            )

    def _ask(self, workflow: str, task: str) -> dict[str, Any]:
        url, timeout = self._options.url, self._options.timeout_s
        until = time.monotonic() + timeout
        try:
            with self._http.get(
                url, params={"wf": workflow, "tsk": task}, timeout=timeout, stream=True, allow_redirects=False
            ) as answer:
                if answer.status_code != 200:
                    raise SourceError(f"{url} answered {answer.status_code} {answer.reason or ''}".strip())
                answer._content = b"".join(_parts(answer, until, url, timeout))  # noqa: SLF001  # so that json() reads what we have read
                told = answer.json()
        except (requests.JSONDecodeError, RecursionError) as error:
            raise SourceError(f"{url} answered with something that is no JSON") from error
        except (requests.RequestException, HTTPError) as error:
            raise SourceError(f"{url} can not be asked: {type(error).__name__}") from error
        if not isinstance(told, dict):
            raise SourceError(f"{url} answered without models: expected an object {{model: {{value: action}}}}")
        return told


def _parts(answer: requests.Response, until: float, url: str, timeout_s: float) -> Iterator[bytes]:
    """The body, as long as it is neither too long nor too slow."""
    size = 0
    while part := answer.raw.read1(
        65_536, decode_content=True
    ):  # what is there: whoever drips is looked at drop by drop
        size += len(part)
        if size > _MOST:
            raise SourceError(f"{url} answered with more than {_MOST:,} bytes")
        if time.monotonic() > until:
            raise SourceError(f"{url} did not answer within {timeout_s:g} s")
        yield part


def _value(told: Any) -> str:
    """What a model said: ``{"value": "acdc", ...}``, or the action by itself; "" for nothing."""
    value = told.get("value") if isinstance(told, dict) else told
    return str(value).strip()[:_SHOWN] if isinstance(value, str | int | float) else ""
