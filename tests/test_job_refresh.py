"""The refresh as a process of its own: what is taken for its word, whatever plugins say meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wwt_framework.config import Config, load
from wwt_framework.errors import WwtError
from wwt_framework.job_refresh import Child
from wwt_framework.store import ledger, open_store

pytestmark = pytest.mark.slow

LOUD = """
import atexit, os, sys
from wwt_framework import hookimpl

class Loud:
    def __init__(self, context):
        atexit.register(print, "all is well")
        atexit.register(print, "all is well", file=sys.stderr)

    @hookimpl
    def list_workflows(self):
        print("a plugin prints")
        print("nice", os.nice(0))
        os.write(1, b"and writes without an end")
        return []
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Config, str]:
    """A plugins.yml with a plugin that prints, and a run that waits."""
    (tmp_path / "loud.py").write_text(LOUD, encoding="utf-8")
    about = tmp_path / "loud-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[wwt.errors]\nloud = loud:Loud\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = tmp_path / "plugins.yml"
    path.write_text("wwt: {data_dir: data}\nerrors: {loud: {}}\n", encoding="utf-8")
    config = load(path)
    config.house.data_dir.mkdir()
    store = open_store(config.house.store)
    try:
        return config, ledger.request_run(store, "refresh")
    finally:
        store.close()


def test_what_a_plugin_prints_is_not_taken_for_what_the_refresh_came_to(
    house: tuple[Config, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert Child().run(*house, {}).startswith("0 workflows, 0 cells from 1 source in ")
    assert "a plugin prints" in {getattr(record, "line", "") for record in caplog.records}


def test_a_refresh_leaves_the_processor_to_the_pages(
    house: tuple[Config, str], caplog: pytest.LogCaptureFixture
) -> None:
    Child().run(*house, {})

    assert f"nice {min(19, os.nice(0) + 10)}" in {getattr(record, "line", "") for record in caplog.records}


def test_what_a_plugin_prints_is_not_taken_for_the_reason_of_a_failure(house: tuple[Config, str]) -> None:
    (house[0].path.parent / "data" / "snapshots").write_text("", encoding="utf-8")

    with pytest.raises(WwtError, match="snapshots"):
        Child().run(*house, {})


@pytest.mark.parametrize("edit", ["errors: [", ""])
def test_a_refresh_has_the_configuration_that_runs_whatever_the_file_has_become(
    house: tuple[Config, str], edit: str
) -> None:
    house[0].path.write_text(edit, encoding="utf-8")

    assert Child().run(*house, {}).startswith("0 workflows, 0 cells from 1 source in ")


def test_a_refresh_does_without_the_file_of_the_configuration(house: tuple[Config, str]) -> None:
    house[0].path.unlink()

    assert Child().run(*house, {}).startswith("0 workflows, 0 cells from 1 source in ")
