"""Lists in YAML files: each entry on its own, what is wrong with file and line."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from wwt_framework.documents import Document, read_document


class Head(BaseModel):
    model_config = ConfigDict(extra="forbid")

    author: str = ""


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="what it is called")
    size: int = Field(1, ge=1, le=9)


def read(folder: Path, text: str) -> Document[Head, Item]:
    (folder / "list.yml").write_text(text)
    return read_document(folder / "list.yml", "items", Head, Item)


def test_entries_know_their_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "author: ana\nitems:\n  - name: a\n  - name: b\n    size: 3\n")

    assert found.head == Head(author="ana")
    assert [(entry.value.name, entry.where()) for entry in found.entries] == [("a", "list.yml:3"), ("b", "list.yml:4")]
    assert found.entries[1].where("size") == "list.yml:5"
    assert found.entries[1].where("no such", "thing") == "list.yml:4"


def test_entry_with_a_mistake_is_left_out_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, "items:\n  - {name: a, size: 12}\n  - {name: b}\n  - text\n  - {name: c, name: d}\n")

    assert [entry.value.name for entry in found.entries] == ["b"]
    assert found.problems == (
        "list.yml:5: items[3].name: is given twice; the first is in line 5",
        "list.yml:2: items[0].size: expected an integer from 1 to 9, got 12",
        "list.yml:4: items[2]: expected a mapping, got 'text'",
    )


def test_mistake_above_the_list_leaves_the_entries(tmp_path: Path) -> None:
    found = read(tmp_path, "autor: ana\nitems: [{name: a}]\n")

    assert (found.head, [entry.value.name for entry in found.entries]) == (None, ["a"])
    assert found.problems == ("list.yml:1: autor: unknown option; did you mean 'author'?",)


def test_misspelt_list_is_guessed(tmp_path: Path) -> None:
    found = read(tmp_path, "itmes: []\n")

    assert found.problems == (
        "list.yml:1: itmes: unknown option; did you mean 'items'?",
        "list.yml:1: there is no list 'items'",
    )


def test_empty_list_is_nothing_wrong(tmp_path: Path) -> None:
    assert read(tmp_path, "items: []\n").problems == ()


def test_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    found = read_document(tmp_path / "gone.yml", "items", Head, Item, "site/gone.yml")

    assert (found.entries, found.problems) == ((), ("site/gone.yml: does not exist",))
