"""Files of YAML that people write beside plugins.yml: a list of entries, each checked against a model.

What is wrong with one entry is said with file and line, and the others are kept. A plugin says what an entry is::

    found = read_document(path, "procedures", Head, Procedure)
    for entry in found.entries:
        entry.value, entry.where()  # a Procedure, "site.yml:12"

The rules of the house hold here, too: keys are text, nothing is given twice, no aliases, no tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from wwt_framework.config_messages import Subject, explain, quote
from wwt_framework.config_reading import Keys, Tree, read, read_text

HeadT = TypeVar("HeadT", bound=BaseModel)
EntryT = TypeVar("EntryT", bound=BaseModel)


@dataclass(frozen=True)
class Entry(Generic[EntryT]):
    """One entry that is right."""

    value: EntryT
    tree: Tree = field(repr=False, compare=False)
    keys: Keys = field(repr=False, compare=False)

    def where(self, *inside: str | int) -> str:
        """``site.yml:12``: the line of the entry, or of what is *inside* it."""
        return self.tree.where((*self.keys, *inside))


@dataclass(frozen=True)
class Document(Generic[HeadT, EntryT]):
    """What a file says. ``head`` is None where what stands above the list can not be meant."""

    head: HeadT | None
    entries: tuple[Entry[EntryT], ...] = ()
    problems: tuple[str, ...] = ()  # a sentence each, with file and line


def read_document(
    path: Path, key: str, head: type[HeadT], entry: type[EntryT], name: str = ""
) -> Document[HeadT, EntryT]:
    """The file at *path*: what *head* describes, and under *key* a list of what *entry* describes. Never raises.

    *name* is what messages call the file; default: its name.
    """
    name = name or path.name
    try:
        tree = read(read_text(path), name, path.parent)
    except ValueError as err:
        return Document(None, (), (f"{name}: {err}",))
    return _document(tree, key, head, entry)


def _document(tree: Tree, key: str, head: type[HeadT], entry: type[EntryT]) -> Document[HeadT, EntryT]:
    data = tree.data
    if not isinstance(data, dict):
        if not tree.problems:
            tree.problem((), f"expected a mapping with a list '{key}', got {quote(data)}")
        return Document(None, (), tuple(tree.problems))
    above = {name: value for name, value in data.items() if name != key}
    told = _checked(head, above, tree, (), (key,))
    listed = data.get(key)
    if key not in data:
        tree.problem((), f"there is no list '{key}'")
        listed = []
    elif not isinstance(listed, list):
        tree.expected((key,), "a list", quote(listed))
        listed = []
    entries = []
    for index, one in enumerate(listed):
        keys: Keys = (key, index)
        broken = any(where[:2] == keys for where in tree.broken)  # by itself or by something inside it
        value = None if broken else _checked(entry, one, tree, keys)
        if value is not None:
            entries.append(Entry(value, tree, keys))
    return Document(told, tuple(entries), tuple(tree.problems))


def _checked(model: type[EntryT], data: object, tree: Tree, keys: Keys, also: tuple[str, ...] = ()) -> EntryT | None:
    """*data* as *model*; None where it can not be, with sentences in the tree."""
    try:
        return model.model_validate(data)
    except ValidationError as err:
        tree.problems += explain(err, Subject(model, data, tree, keys, also))
        return None


__all__ = ["Document", "Entry", "read_document"]
