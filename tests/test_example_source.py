"""The example of docs/writing-plugins.md: installed as a stranger's distribution, found, asked, and true to its contract."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wwt_framework.hooks import loader
from wwt_framework.testing.running import Running, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def example(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, so that building it leaves nothing in the tree."""
    return Path(
        shutil.copytree(root / "examples" / "wwt_example_source", tmp_path_factory.mktemp("example") / "source")
    )


@pytest.fixture(scope="module")
def site(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example is installed."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder), str(example)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def source(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.syspath_prepend(str(site))
    (tmp_path / "errors.csv").write_text(
        "task,exit_code,site,jobs\n/wf_a/Production,8028,T2_US_Purdue,17\n/wf_b/Merge,85,T1_US_FNAL,many\n"
    )
    return running("errors.csv_file", {"path": "errors.csv"}, tmp_path)


def test_example_is_offered_with_its_distribution(source):
    offered = [offer for offer in loader.offers() if offer.name == "csv_file"]

    assert [(o.namespace, o.target, o.distribution, o.version) for o in offered] == [
        ("errors", "wwt_example_source:CsvFile", "wwt-example-source", "1.0")
    ]


def test_example_is_found_through_its_entry_point_and_answers(source, tmp_path):
    columns = source.ask("load_errors", names=None)

    assert (list(columns.tasks), list(columns.count)) == (["/wf_a/Production"], [17])
    assert [(r.path, r.workflow) for r in columns.rejected] == [("line 3", "wf_b")]
    assert source.loaded.hooks == ("list_workflows", "load_errors")


def test_example_keeps_its_contract(example, site):
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"]
    done = subprocess.run(
        command, cwd=example, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout
