"""docs/procedures.md tells every key and every shipped procedure as they are, and its example works."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.test_docs import tool
from wwt_plugins.actions.procedures.library import Folder, Shelf
from wwt_plugins.actions.procedures.trial import examples, tried


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return tool("procedures")


def test_d_c_page_of_procedures_is_up_to_date(generator: Any) -> None:
    written = generator.PAGE.read_text(encoding="utf-8")

    assert written == generator.text(), "run `python docs/tools/procedures.py`"


def test_example_of_the_page_does_what_it_says(generator: Any, tmp_path: Path) -> None:
    (example,) = re.findall(
        r"^```\n(author: .*?)^```", generator.PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    (tmp_path / "own.yml").write_text(example)
    library = Shelf([Folder(tmp_path)]).library()

    assert [one.id for one in library.listed] == ["scratch-full"]
    assert examples(library) == 1
    assert tried(library) == []
