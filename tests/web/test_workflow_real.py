"""Every workflow of a real day: what its page and its JSON show is what the file says, counted here once more."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from wwt_framework.model import Workflow
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write
from wwt_plugins.errors.json_file import read_json

Tables = dict[str, dict[int, dict[str, int]]]  # task -> exit code -> site -> failed jobs


def counted(raw: dict[str, Any]) -> dict[str, Tables]:
    """Workflow -> its tables, straight from the file, by the rules of the old console."""
    found: dict[str, Tables] = {}
    for task, codes in raw.items():
        tables = found.setdefault(task.split("/")[1], {})
        if "LogCollect" in task or "Cleanup" in task:
            continue
        for name, sites in codes.items():
            if name != "NotReported" and not name.isdigit():
                continue
            for site, count in sites.items():
                number = max(int(count), 1) if name == "NotReported" else int(count)
                if number:
                    code = -1 if name == "NotReported" else int(name)
                    tables.setdefault(task, {}).setdefault(code, {})[site] = number
    return found


class Matrices(HTMLParser):
    """Reads the tables of a workflow's page: task -> exit code -> site -> the number that stands there."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: Tables = {}
        self.sums: dict[tuple[str, int], int] = {}
        self.task = ""
        self.code = 0
        self.column = -1
        self.sites: list[str] = []
        self.where = ""
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self.task = given.get("data-task") or ""
            self.sites = []
        if not self.task:
            return
        if tag == "tr" and "data-code" in given:
            self.code, self.column = int(given["data-code"] or ""), -2
        if tag == "span" and given.get("class") == "wf-share" and self.where == "cell":
            self.end_cell()  # shares stand behind the number
        if tag == "span" and given.get("class") == "wf-site-name":
            self.where, self.text = "site", ""
        if tag == "td":
            self.column += 1
            self.where, self.text = "cell", ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.task = ""
        if not self.task:
            return
        if tag == "span" and self.where == "site":
            self.sites.append(self.text)
            self.where = ""
        if tag == "td" and self.where == "cell":
            self.end_cell()

    def end_cell(self) -> None:
        """Keep the number that stands in the cell."""
        self.where = ""
        number = self.text.strip().replace("\u202f", "")
        if self.column == -1:
            self.sums[self.task, self.code] = int(number)
        elif number:
            self.tables.setdefault(self.task, {}).setdefault(self.code, {})[self.sites[self.column]] = int(number)
        else:
            self.tables.setdefault(self.task, {}).setdefault(self.code, {})


@pytest.fixture(scope="module")
def real(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, dict[str, Tables]]:
    """The snapshot of the file, and the file counted by hand."""
    data = gzip.decompress((test_data / "workflows" / "real_all_errors_190624.json.gz").read_bytes())
    source = read_json(data, "real_all_errors_190624.json")
    counts = counted(json.loads(data))
    folder = tmp_path_factory.mktemp("real") / "v1"
    folder.mkdir()
    parts = SnapshotParts(
        "v1", datetime(2019, 6, 24, tzinfo=timezone.utc), [Workflow(n) for n in counts], source.errors
    )
    write(folder, parts)
    return open_snapshot(folder), counts


def test_j8_workflowerrors_of_every_real_workflow_is_what_the_file_says(
    installation: Callable[..., Any], real: tuple[Snapshot, dict[str, Tables]]
) -> None:
    snapshot, counts = real
    client = installation(snapshot=snapshot)

    told = {name: client.get(f"/workflowerrors?workflow={quote(name)}").json for name in counts}

    assert len(told) == 632
    assert told == {
        name: [
            {
                "step": task,
                "codes": [{"code": code, "sites": codes[code]} for code in sorted(codes)],
                "allsites": sorted({site for sites in codes.values() for site in sites}),
            }
            for task, codes in sorted(tables.items())
        ]
        for name, tables in counts.items()
    }


@pytest.mark.slow
def test_p9_p11_the_page_of_every_real_workflow_shows_what_the_file_says(
    installation: Callable[..., Any], real: tuple[Snapshot, dict[str, Tables]]
) -> None:
    snapshot, counts = real
    client = installation(snapshot=snapshot)

    for name, tables in counts.items():
        got = client.get(f"/seeworkflow?workflow={quote(name)}")
        shown = Matrices()
        shown.feed(got.text)

        assert got.status == 200
        assert shown.tables == tables
        assert shown.sums == {(t, c): sum(sites.values()) for t, codes in tables.items() for c, sites in codes.items()}
