"""A source that is asked over HTTP, workflow by workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.errors import SourceError
from wwt_framework.model import ErrorCount, Errors, LogExcerpt, Workflow
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Health, PluginContext


class LiveSource:
    """Ask a service for workflows, their parameters, errors and logs."""

    class Options(PluginOptions):
        url: str = Field(description="address of the service")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context

    @hookimpl
    def list_workflows(self) -> Sequence[Workflow]:
        return [Workflow(name) for name in self._get("workflows")]

    @hookimpl
    def fetch_workflows(self, names: Sequence[str]) -> Sequence[Workflow]:
        """All in parallel; one that can not be fetched is left out and logged."""
        found = []
        for name, answer in zip(names, self._context.gather(self._request, names), strict=True):
            if isinstance(answer, Exception):
                self._context.log.warning("no parameters", extra={"workflow": name, "error": str(answer)})
            else:
                found.append(Workflow(name, prep_id=answer["PrepID"], parameters=answer))
        return found

    @hookimpl
    def fetch_errors(self, workflow: Workflow) -> Errors:
        answer = self._get(f"errors/{workflow.name}")
        counts = tuple(ErrorCount(*cell) for cell in answer["cells"])
        silent = answer["agents"] - answer["answered"]
        note = f"{answer['answered']} of {answer['agents']} agents answered" if silent else ""
        return Errors(counts, complete=not silent, note=note)

    @hookimpl
    def fetch_logs(self, workflow: Workflow, exit_codes: frozenset[int]) -> Sequence[LogExcerpt]:
        found = self._get(f"logs/{workflow.name}")
        return [LogExcerpt(**entry) for entry in found if entry["exit_code"] in exit_codes]

    @hookimpl
    def report_health(self) -> Health:
        self._get("workflows")
        return Health(True, f"{self._context.options.url} answers")

    def _request(self, name: str) -> Any:
        return self._get(f"request/{name}")

    def _get(self, path: str) -> Any:
        url = f"{self._context.options.url}/{path}"
        answer = self._context.http.get(url)
        if not answer.ok:
            raise SourceError(f"{url} answered {answer.status_code} {answer.reason}")
        return answer.json()
