"""The measurements themselves are not judged here; that they can be made, and what is written, is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import history
from benchmarks.__main__ import BEGIN, END
from benchmarks.house import Cost
from benchmarks.table import growth


@pytest.mark.needs("chromium")
def test_all_that_is_promised_is_measured_and_written_between_the_marks(tmp_path: Path, root: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n\n{BEGIN}\nWhat an earlier run wrote.\n{END}\n\nAfter.\n")

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "60", "--hasty", "--write", str(page)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    written = page.read_text()
    assert written.startswith("# Before\n")
    assert written.endswith("\n\nAfter.\n")
    assert "earlier run" not in written
    assert "### 60 workflows" in written
    assert {line.split("|")[1].strip() for line in written.splitlines() if line.startswith("| G")} >= {
        "G1", "G2", "G3", "G4", "G5", "G11", "G13", "G14",
    }  # fmt: skip


def test_a_room_is_measured_by_itself(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "alike", "tried"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("| workflows | | ARI |")


def test_a_refresh_over_https_stands_beside_the_same_questions_asked_barely(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.live", "3", "--latency", "0"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    bound, first, again = done.stdout.splitlines()
    assert "bound" in bound
    assert "x bound" in first
    assert "x bound" in again


def test_what_doubles_with_the_workflows_grows_with_exponent_one() -> None:
    load = {"web_rss_mb": 100.0, "refresh_process_peak_mb": 50.0}
    flat = dict.fromkeys(("first_page_of_a_visitor", "overview", "workflow", "list"), Cost(0.01, 0.01))
    small = {"size": 1000, "load": load, "refresh": Cost(1.0, 1.0), **flat}
    large = {"size": 2000, "load": load, "refresh": Cost(2.0, 2.0), **flat}

    table = {row.what: (row.measured, row.verdict) for row in growth(small, large)}

    assert table["a refresh"] == ("n^1.00", "met")
    assert table["overview"] == ("n^0.00", "met")


def test_the_history_is_measured_beside_its_bounds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(history, "WORKFLOWS", 20)

    assert history.main(["--cells", "2000"]) == 0
    written = capsys.readouterr().out
    assert "| taking in, all of it changed | 10 s |" in written
    assert "| the matrix of 40 workflows |" in written
    assert "MB on disk" in written
