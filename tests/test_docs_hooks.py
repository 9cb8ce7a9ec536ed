"""docs/hooks.md says exactly what the specifications say."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

import pytest

from wwt_framework.hooks.table import HOOKS


@pytest.fixture(scope="module")
def generator(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", root / "docs" / "tools" / "hooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def written(root: Path) -> str:
    return (root / "docs" / "hooks.md").read_text(encoding="utf-8")


def test_page_is_up_to_date(generator, written):
    assert written == generator.hooks_page(), "run: python docs/tools/hooks.py"


def test_every_hook_has_its_heading_once(written):
    headings = [line[4:] for line in written.splitlines() if line.startswith("### ")]

    assert sorted(headings) == sorted(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_says_what_it_returns_and_how_it_is_asked(hook):
    spec = HOOKS[hook].spec
    first = (inspect.getdoc(spec) or "").partition("\n\n")[0]

    assert inspect.signature(spec).return_annotation is not inspect.Signature.empty
    assert f"Asked: {HOOKS[hook].asked}" in first or hook in ("notify", "startup", "shutdown", "report_health")


@pytest.mark.parametrize("hook", HOOKS)
def test_every_argument_of_a_hook_has_a_type(hook):
    parameters = inspect.signature(HOOKS[hook].spec).parameters.values()

    assert [p.name for p in parameters if p.annotation is p.empty] == []


@pytest.fixture(scope="module")
def callers(generator: ModuleType) -> dict[str, list[str]]:
    return generator._callers()


def test_callers_are_found_by_the_name_of_the_hook(callers):
    assert "services" in " ".join(callers["list_workflows"])
    assert callers["startup"] == ["hooks.loader"]  # called there, beside being named in a table


def test_hooks_without_a_caller_are_listed_in_one_place(callers, written):
    silent = [hook for hook in HOOKS if not callers.get(hook)]

    if silent:
        (listing,) = [line for line in written.splitlines() if line.startswith("The house does not call these hooks")]
        assert [hook for hook in silent if f"`{hook}`" not in listing] == []
    else:
        assert "The house calls all of them." in written
