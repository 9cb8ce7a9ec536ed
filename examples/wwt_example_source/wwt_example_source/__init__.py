"""An error source of its own distribution: failed jobs from a CSV file.

task,exit_code,site,jobs
/wf_a/Production,8028,T2_US_Purdue,17
# lower bounds for wf_a: 2 of 3 agents answered
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import SourceError
from wwt_framework.model import ErrorCount, Rejected, Workflow
from wwt_framework.options import ConfigPath, PluginOptions
from wwt_framework.plugin import PluginContext

HEADER = ["task", "exit_code", "site", "jobs"]
TASK = re.compile(r"/([^/]+)/.+")
LOWER_BOUNDS = re.compile(r"# lower bounds for (\S+): (.+)")


class CsvFile:
    """Read failed jobs from a CSV file."""

    class Options(PluginOptions):
        path: ConfigPath = Field(description="CSV file with the columns task, exit_code, site, jobs")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._path = context.options.path

    @hookimpl
    def list_workflows(self) -> Sequence[Workflow]:
        """Every workflow that the file names, also those of which not one cell could be read."""
        columns = self._read()
        named = {task.split("/")[1] for task in columns.tasks}
        rejected = {item.workflow for item in columns.rejected if item.workflow}
        return [Workflow(name) for name in sorted(named | rejected | set(columns.partial))]

    @hookimpl
    def load_errors(self) -> ErrorColumns:
        """Everything in the file, whichever workflows are asked for."""
        return self._read()

    def _read(self) -> ErrorColumns:
        """Raises SourceError when this is not the file it should be: then nothing of it can be trusted."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as err:
            raise SourceError(f"{self._path}: expected a CSV file, {err}") from err
        if not lines or lines[0].split(",") != HEADER:
            raise SourceError(f"{self._path}: expected the first line {','.join(HEADER)}, got {lines[:1]}")
        cells: dict[tuple[str, int, str], int] = {}
        rejected: list[Rejected] = []
        partial: dict[str, str] = {}
        for number, line in enumerate(lines[1:], 2):
            if note := LOWER_BOUNDS.fullmatch(line):
                partial[note[1]] = note[2]
                continue
            cell = _cell(next(csv.reader([line]), []))
            if isinstance(cell, ErrorCount):
                key = (cell.task, cell.exit_code, cell.site)
                cells[key] = cells.get(key, 0) + cell.count
            else:
                workflow, why = cell
                rejected.append(Rejected(f"line {number}", why, workflow))
        counts = (ErrorCount(*key, count) for key, count in cells.items())
        return ErrorColumns.of(counts, tuple(rejected), partial)


def _cell(row: list[str]) -> ErrorCount | tuple[str, str]:
    """One line as a count; or whose it is, as far as that can be told, and what is wrong with it."""
    task = TASK.fullmatch(row[0]) if row else None
    if task is None:
        return "", f"expected a task like /workflow/task first, got {row[:1]}"
    if len(row) != len(HEADER):
        return task[1], f"expected {len(HEADER)} columns, got {len(row)}"
    _, code, site, jobs = row
    if not re.fullmatch(r"-?[0-9]{1,9}", code):
        return task[1], f"expected a number as exit code, got {code!r}"
    if not re.fullmatch(r"[0-9]{1,9}", jobs) or int(jobs) == 0:
        return task[1], f"expected a positive number of jobs, got {jobs!r}"
    return ErrorCount(row[0], int(code), site, int(jobs))
