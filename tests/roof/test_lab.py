"""`wwt lab` from the shell, and as the job of a running house."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wwt_framework.app import App
from wwt_framework.evidence import plain_case
from wwt_framework.model import Action, ActionState, Case, ErrorCount, ErrorTable, Workflow
from wwt_framework.services.lab import result_of
from wwt_framework.store import ledger

RULES = "rules: {lost: {exit_codes: [99303]}}"
CONFIG = f"wwt: {{data_dir: data}}\nerrors:\n  world: {{workflows: 20}}\nactions:\n  auto_rules: {{{RULES}}}\n"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    path = tmp_path / "plugins.yml"
    path.write_text(CONFIG, encoding="utf-8")
    built = App.build(path)
    yield built
    built.close()


def decide(app: App, name: str, kind: str) -> None:
    """Somebody acted two days ago on a workflow that lost its reports."""
    at = app.store.now() - timedelta(days=2)
    case = Case(Workflow(name), ErrorTable([ErrorCount(f"/{name}/t", 99303, "T1_US_FNAL", 3)]))
    action = Action(f"id-{name}", kind, name, {}, {}, (), "olga", ActionState.QUEUED, at, at)
    ledger.submit(app.store, [action])
    ledger.keep_evidence(app.store, "v1", [(action.id, name, ledger.pack(plain_case(case)))])


def tried(app: App) -> Any:
    return app.clockwork.run_now("lab", subject="actions.auto_rules:lost", days=30.0, user_name="olga")


def test_the_job_measures_in_a_process_of_its_own_and_keeps_the_result(app: App) -> None:
    for name, kind in (("wf_a", "acdc"), ("wf_b", "acdc"), ("wf_c", "clone")):
        decide(app, name, kind)
    run = tried(app)

    assert (run.state, run.text[:72]) == (
        "done", "actions.auto_rules:lost spoke of 3 of 3 tasks and agreed in 66.7% (0.0% "
    )  # fmt: skip
    (kept,) = ledger.lab_results(app.store)
    result = result_of(kept.content)
    assert (kept.user, result.spoke, result.agreed, result.differs[0].action) == ("olga", 3, 2, "id-wf_c")


def test_a_trial_without_decisions_fails_in_a_sentence(app: App) -> None:
    run = tried(app)

    assert run.state == "failed"
    assert run.text.startswith("Nobody decided anything between ")


def test_decisions_in_a_file_are_told_on_the_terminal_and_nothing_is_kept(app: App, wwt: Any, tmp_path: Path) -> None:
    wwt.run("world", "history", "past.jsonl", "--tasks", "400")
    told = wwt.run("lab", "actions.auto_rules:lost", "--history", "past.jsonl", "--days", "2000").stdout

    assert "agreed " in told
    assert "usual for the code" in told
    assert ledger.lab_results(app.store) == []


def test_without_a_name_it_lists_what_there_is_and_another_name_is_told(app: App, wwt: Any) -> None:
    assert wwt.run("lab").stdout.startswith("actions.auto_rules:lost  acdc where at least 100%")
    assert "nothing called 'x' to try; there are: actions.auto_rules:lost" in wwt.run("lab", "x", code=1).stderr


@pytest.mark.parametrize("days", ["nan", "inf", "1e9", "0", "-1", "3661"])
def test_days_that_are_none_are_told(app: App, wwt: Any, days: str) -> None:
    assert "Invalid value for '--days'" in wwt.run("lab", "actions.auto_rules:lost", "--days", days, code=2).stderr
