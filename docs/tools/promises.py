"""docs/promises.md, from docs/promises.yml and the names of the tests: which promise is claimed by which test.

    python docs/tools/promises.py

A test claims a promise by its name: `test_p3_rows_are_grouped`, `test_d_a_cells_are_read` for D-a, several one
after the other as in `test_p2_p3_...`.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "docs" / "promises.yml"
PAGE = ROOT / "docs" / "promises.md"

_FIRST_ID = re.compile(r"(?:([pjofced])(\d{1,2})|d_([a-i]))(?:_|$)")

_HEAD = """\
# Promises

<!-- Made by `python docs/tools/promises.py` from docs/promises.yml and the names of the tests; do not edit. -->

Operators, bookmarks, scripts and executors rely on what WorkflowWebTools, the console before this one, offered them.
Here is all of it, one sentence each, with the tests that hold us to it:
a test that covers a promise begins its name with the promise's ID, and what follows is its claim.

A test proves its claim and no more: [what is kept in part only](#kept-in-part) is told at the end.
So is [what has no test](#promises-without-a-test): nobody can prove that it is kept, and most of it is not built yet.
"""


@dataclass(frozen=True)
class Section:
    """Promises that belong together."""

    title: str
    promises: dict[str, str]  # ID -> sentence


def sections() -> list[Section]:
    """All promises."""
    return [Section(**section) for section in _listed() if "promises" in section]


def lacking() -> dict[str, str]:
    """ID -> what of that promise is not there, though it has tests."""
    return {promise: what for section in _listed() for promise, what in section.get("lacks", {}).items()}


def _listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return found


def ids_in(name: str) -> tuple[list[str], str]:
    """The IDs that the test *name* begins with, and its claim in words.

    >>> ids_in("test_p2_d_a_counts_are_right")
    (['P2', 'D-a'], 'counts are right')
    """
    rest, found = name.removeprefix("test_"), []
    while match := _FIRST_ID.match(rest):
        letter, number, rule = match.groups()
        found.append(f"{letter.upper()}{number}" if letter else f"D-{rule}")
        rest = rest[match.end() :]
    return found, rest.replace("_", " ")


def claims(tests: Path = ROOT / "tests") -> Iterator[tuple[str, str, str]]:
    """ID, file and claim of every test that names a promise."""
    for path in sorted(tests.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found, claim = ids_in(node.name)
                for promise in found:
                    yield promise, path.relative_to(tests).as_posix(), claim


def text() -> str:
    """The page."""
    tests: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for promise, file, claim in claims():
        tests[promise][file].append(claim)
    lines = [_HEAD]
    without: list[tuple[Section, list[str]]] = []
    for section in sections():
        lines += [f"## {section.title}", "", "| ID | promise | tests |", "|---|---|---|"]
        for promise, sentence in section.promises.items():
            told = "<br>".join(
                f"`{file}`: {'; '.join(sorted(found))}" for file, found in sorted(tests[promise].items())
            )
            lines.append(f"| {promise} | {_cell(sentence)} | {told or 'none'} |")
        lines.append("")
        without.append((section, [promise for promise in section.promises if not tests[promise]]))
    lines += ["## Kept in part", "", "| ID | what is missing |", "|---|---|"]
    lines += [f"| {promise} | {_cell(what)} |" for promise, what in lacking().items()]
    return "\n".join([*lines, "", *_without(without)])


def _cell(sentence: str) -> str:
    return sentence.replace("|", "\\|")


def _without(missing: list[tuple[Section, list[str]]]) -> list[str]:
    total = sum(len(section.promises) for section, _ in missing)
    open_ = sum(len(promises) for _, promises in missing)
    lines = ["## Promises without a test", "", f"{open_} of {total}:", ""]
    lines += [f"- {section.title}: {', '.join(promises) or 'none'}" for section, promises in missing]
    return [*lines, ""]


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
