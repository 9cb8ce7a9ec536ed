"""The contracts hold for what is shipped, and catch what they are there to catch."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

import argon2
import pytest

from wwt_framework import hookimpl
from wwt_framework.config import PluginConfig
from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import PluginError
from wwt_framework.hooks.loader import Loaded
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import ErrorCount, Errors, Rejected, User, Workflow
from wwt_framework.plugin import Account
from wwt_framework.testing import AuthContract, ErrorSourceContract
from wwt_framework.testing.running import Doors, Running

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
ERRORS = {"/wf_a/task": {"85": {"T1_US_FNAL": 3}}, "/wf_b/task": {"8028": {"T2_US_Purdue": 1}}}


# -- what is shipped --


class TestJsonFile(ErrorSourceContract):
    plugin = "errors.json_file"
    workflow = "wf_a"

    def make_options(self, folder: Path) -> dict[str, Any]:
        self.path = folder / "all_errors.json"
        self.path.write_text(json.dumps(ERRORS))
        return {"path": str(self.path)}

    def break_source(self, it: Running) -> None:
        self.path.write_text(json.dumps(ERRORS)[:30])

    def spoil_one_cell(self, it: Running) -> str:
        self.path.write_text(json.dumps({**ERRORS, "/wf_b/task": {"8028": {"T2_US_Purdue": "many"}}}))
        return "wf_b"


class TestWorld(ErrorSourceContract):
    plugin = "errors.world"

    def prepare(self, it: Running) -> None:
        it.plugin._now = lambda: NOON  # it moves with time; the contract asks twice

    def break_source(self, it: Running) -> None:
        pytest.skip("a made-up grid is never out of reach")


class TestCmsExitCodes(ErrorSourceContract):
    plugin = "errors.cms_exit_codes"

    def break_source(self, it: Running) -> None:
        """Its data comes with the package."""


class TestCmsNames(ErrorSourceContract):
    plugin = "errors.cms_names"
    workflow = "pdmvserv_task_HIG-RunIISummer20UL16wmLHEGEN-00123__v1_T_200101_000000_1234"

    def break_source(self, it: Running) -> None:
        """It reads nothing but names."""


class TestLocalAccounts(AuthContract):
    plugin = "auth.local"
    options: ClassVar = {"time_cost": 1, "memory_kib": 8192, "parallelism": 1}
    username = "ana"
    password = "Correct Horse 7"

    def prepare(self, it: Running) -> None:
        secret = argon2.PasswordHasher(1, 8192, 1).hash(self.password)
        it.doors.accounts.add(Account(self.username, secret, frozenset({"operator"})))


# -- what they catch --


class Mutant(ErrorSourceContract):
    workflow = "wf_a"

    def break_source(self, it: Running) -> None:
        it.plugin.broken = True

    def spoil_one_cell(self, it: Running) -> str:
        it.plugin.spoilt = True
        return "wf_a"

    def cut_short(self, it: Running) -> str:
        it.plugin.short = True
        return "wf_a"


class Source:
    """A source that keeps its contract; every mutant breaks one promise of it."""

    broken = spoilt = short = False

    def columns(self, names: Any) -> ErrorColumns:
        if self.broken:
            raise OSError("the source is gone")
        rejected = (Rejected("/wf_a/t > 85", "expected a number, got 'many'", "wf_a"),) if self.spoilt else ()
        partial = {"wf_a": "1 of 2 agents answered"} if self.short else {}
        return ErrorColumns.of([ErrorCount("/wf_a/t", 85, "T1_US_FNAL", 3)], rejected, partial)

    @hookimpl
    def list_workflows(self):
        if self.broken:
            raise OSError("the source is gone")
        return [Workflow("wf_a")]

    @hookimpl
    def load_errors(self, names):
        return self.columns(names)


def run(plugin: object, folder: Path) -> Running:
    hooks = Hooks()
    hooks.register("errors.mutant", plugin)
    block = PluginConfig("errors", "mutant", "mutant")
    item = Loaded(block, "ready", text="Says something.", hooks=hooks.implemented_by("errors.mutant"))
    return Running("errors.mutant", plugin, hooks, item, Doors(folder))


def promises(contract: object) -> dict[str, Callable[..., None]]:
    return {n: getattr(contract, n) for n in dir(contract) if n.startswith("test_")}


def broken_promises(plugin: object, folder: Path) -> set[str]:
    """The tests of the contract that *plugin* does not pass."""
    broken = set()
    contract = Mutant()
    for name, promise in promises(contract).items():
        try:
            promise(run(type(plugin)(), folder))
        except pytest.skip.Exception:
            continue
        except (AssertionError, IndexError, pytest.fail.Exception):
            broken.add(name)
    return broken


def test_source_that_keeps_its_contract_passes(tmp_path):
    assert broken_promises(Source(), tmp_path) == set()


class AnswersEmptyWhenBroken(Source):
    def columns(self, names):
        return ErrorColumns() if self.broken else super().columns(names)


class KnowsEverybody(Source):
    def columns(self, names):
        answer = super().columns(names)
        return ErrorColumns(**{**vars(answer), "workflows": tuple(names or ())})


class CountsNothing(Source):
    def columns(self, names):
        return ErrorColumns(("/wf_a/t",), (85,), ("T1_US_FNAL",), (0,), (0,), (0,), (0,))


class PointsOutside(Source):
    def columns(self, names):
        answer = super().columns(names)
        return ErrorColumns(**{**vars(answer), "site": (1,)})


class SwallowsBadCells(Source):
    def columns(self, names):
        answer = super().columns(names)
        return ErrorColumns(**{**vars(answer), "rejected": ()})


class HidesThatItIsShort(Source):
    def columns(self, names):
        answer = super().columns(names)
        return ErrorColumns(**{**vars(answer), "partial": {}})


class ListsTwice(Source):
    @hookimpl
    def list_workflows(self):
        if self.broken:
            raise OSError("the source is gone")
        return [Workflow("wf_a"), Workflow("wf_a")]


class RaisesWithoutWords(Source):
    def columns(self, names):
        if self.broken:
            raise OSError
        return super().columns(names)


class CleanWhenUnknown(Source):
    @hookimpl
    def fetch_errors(self, workflow):
        if self.broken:
            raise OSError("the source is gone")
        return Errors()


class OfAnotherWorkflow(Source):
    @hookimpl
    def fetch_errors(self, workflow):
        if self.broken or workflow.name != "wf_a":
            raise OSError("not known")
        return Errors((ErrorCount("/wf_b/t", 85, "T1_US_FNAL", 3),))


@pytest.mark.parametrize(
    ("mutant", "promise"),
    [
        (AnswersEmptyWhenBroken, "test_source_that_can_not_be_read_raises"),
        (RaisesWithoutWords, "test_source_that_can_not_be_read_raises"),
        (KnowsEverybody, "test_workflow_nobody_knows_is_unknown_and_not_without_errors"),
        (CleanWhenUnknown, "test_workflow_nobody_knows_is_unknown_and_not_without_errors"),
        (CountsNothing, "test_counts_are_positive_and_belong_to_tasks_of_workflows"),
        (PointsOutside, "test_counts_are_positive_and_belong_to_tasks_of_workflows"),
        (OfAnotherWorkflow, "test_counts_are_positive_and_belong_to_tasks_of_workflows"),
        (SwallowsBadCells, "test_cell_that_can_not_be_read_is_named_and_the_rest_is_told"),
        (HidesThatItIsShort, "test_short_answer_is_called_one"),
        (ListsTwice, "test_every_workflow_is_listed_once_and_has_a_name"),
    ],
)
def test_source_that_breaks_a_promise_is_caught(tmp_path, mutant, promise):
    assert promise in broken_promises(mutant(), tmp_path)


class LetsIn:
    """Backends that let somebody in whom they should not."""

    class Anybody:
        @hookimpl
        def authenticate(self, username):
            return User(username)

    class AnyPassword:
        @hookimpl
        def authenticate(self, username):
            return User("ana") if username == "ana" else None

    class Headers:
        @hookimpl
        def identify(self, visit):
            name = visit.headers.get("x-remote-user")
            return User(name) if name else None


class AuthMutant(AuthContract):
    username = "ana"
    password = "right"


@pytest.mark.parametrize(
    ("backend", "promise", "more"),
    [
        (LetsIn.Anybody, "test_stranger_does_not_enter", ()),
        (LetsIn.AnyPassword, "test_wrong_password_does_not_enter", ("{0}x",)),
        (LetsIn.Headers, "test_header_from_elsewhere_is_ignored", ("x-remote-user",)),
    ],
)
def test_backend_that_lets_somebody_in_is_caught(tmp_path, backend, promise, more):
    with pytest.raises(AssertionError):
        getattr(AuthMutant(), promise)(run(backend(), tmp_path), *more)


def test_fixture_makes_a_shipped_plugin_by_its_entry_point(wwt_plugin, tmp_path):
    (tmp_path / "all_errors.json").write_text(json.dumps(ERRORS))

    it = wwt_plugin("errors.json_file", path=str(tmp_path / "all_errors.json"))

    assert sorted(w.name for w in it.ask("list_workflows")) == ["wf_a", "wf_b"]


def test_fixture_says_why_a_plugin_can_not_be_made(wwt_plugin):
    with pytest.raises(PluginError, match=r"errors\.json_file\.path"):
        wwt_plugin("errors.json_file")


def test_door_that_was_not_granted_says_who_may(wwt_plugin, tmp_path):
    context = Doors(tmp_path).context("errors.mine")

    with pytest.raises(PluginError, match=r"wwt\.errors may not open context\.accounts; wwt\.auth may"):
        context.accounts.all()
