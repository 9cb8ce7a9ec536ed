"""A source that reads one JSON file: {task: {exit code: {site: failed jobs}}}."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import SourceError
from wwt_framework.model import ErrorCount, Rejected, Workflow
from wwt_framework.options import ConfigPath, PluginOptions
from wwt_framework.plugin import PluginContext


class FileSource:
    """Read failed jobs from a JSON file."""

    class Options(PluginOptions):
        path: ConfigPath = Field(description="the file")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._path: Path = context.options.path

    @hookimpl
    def list_workflows(self) -> Sequence[Workflow]:
        return [Workflow(name) for name in sorted({task.split("/")[1] for task in self._read()})]

    @hookimpl
    def load_errors(self) -> ErrorColumns:
        cells = list(self._cells())
        good = [cell for cell in cells if isinstance(cell, ErrorCount)]
        return ErrorColumns.of(good, tuple(cell for cell in cells if isinstance(cell, Rejected)))

    def _cells(self) -> Iterator[ErrorCount | Rejected]:
        for task, codes in self._read().items():
            for code, sites in codes.items():
                for site, count in sites.items():
                    if type(count) is int and count > 0:
                        yield ErrorCount(task, int(code), site, count)
                    else:
                        why = f"expected a positive number of jobs, got {count!r}"
                        yield Rejected(f"{task} > {code} > {site}", why, task.split("/")[1])

    def _read(self) -> dict[str, dict[str, dict[str, int]]]:
        try:
            return json.loads(self._path.read_text())  # type: ignore[no-any-return]  # thin: trusts the outer shape
        except (OSError, ValueError) as err:
            raise SourceError(f"{self._path}: expected JSON, {err}") from err
