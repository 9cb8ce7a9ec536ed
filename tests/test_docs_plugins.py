"""docs/writing-plugins.md shows code that is there, and names what exists."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from wwt_framework import testing
from wwt_framework.config import NAMESPACES
from wwt_framework.plugin import PluginContext
from wwt_framework.services import doors
from wwt_framework.testing import doors as in_memory

PAGE = Path(__file__).parents[1] / "docs" / "writing-plugins.md"
TEXT = PAGE.read_text(encoding="utf-8")
QUOTED = re.findall(r"<!-- from (\S+) -->\n```python\n(.*?)```", TEXT, re.DOTALL)


def lines(code: str) -> str:
    """*code* without its layout: a formatter may lay a piece of it out otherwise than the whole."""
    return "\n".join(line.strip() for line in code.splitlines() if line.strip())


@pytest.mark.parametrize(("file", "code"), QUOTED)
def test_quoted_code_stands_in_the_file_it_is_from(root, file, code):
    assert lines(code) in lines((root / file).read_text(encoding="utf-8"))


def test_every_python_block_is_quoted_from_a_file():
    assert TEXT.count("```python") == len(QUOTED) > 5


def test_everything_in_the_context_is_explained():
    table = TEXT.partition("## What a plugin is lent")[2].partition("## ")[0]

    assert [field.name for field in fields(PluginContext) if f"`{field.name}" not in table] == []


@pytest.mark.parametrize("door", doors.GRANTED)
def test_page_says_who_is_lent_a_door(door):
    (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{door}` |")]

    assert sorted(re.findall(r"wwt\.(\w+)", row)) == sorted(doors.GRANTED[door])


def test_doors_in_memory_are_granted_as_the_houses():
    assert {door: {f"wwt.{name}" for name in who} for door, who in doors.GRANTED.items()} == {
        door: set(who) for door, who in in_memory.GRANTED.items()
    }


def test_contracts_that_are_named_are_there():
    named = re.findall(r"^\| `wwt\.(\w+)` \| `(\w+Contract)` \|$", TEXT, re.MULTILINE)

    assert named
    assert [name for name, contract in named if name not in NAMESPACES or not hasattr(testing, contract)] == []


def test_thin_plugins_are_as_short_as_the_page_says(root):
    sizes = {path.name: len(path.read_text().splitlines()) for path in (root / "tests/thin/plugins").glob("*.py")}

    assert len(sizes) == 9
    assert [name for name, lines in sizes.items() if lines >= 90] == []
