"""The text of a YAML file -> plain data, the line of everything in it, and what is wrong with it.

A configuration needs less than YAML offers, and the rest does harm. So: keys are text (``no:`` is a key, not
false), nothing is given twice, ``12:30`` and ``2026-11-23`` stay text, there are no aliases and no tags.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Keys = tuple[str | int, ...]
"""Where something is: ``("errors", "json_file", "path")``."""

MAX_BYTES = 200_000
_MAX_SECRET_BYTES = 100_000
_MAX_DEPTH = 40
_MAX_DIGITS = 40
_OWN = ("an alias", "nested")
_TAG = "tag:yaml.org,2002:"
_AS_TEXT = {"str", "timestamp", "merge", "value"}
_MAKE: dict[str, Callable[[SafeConstructor, ScalarNode], Any]] = {
    "bool": SafeConstructor.construct_yaml_bool,
    "int": SafeConstructor.construct_yaml_int,
    "float": SafeConstructor.construct_yaml_float,
}
_WORDS = (  # how PyYAML begins a sentence, and what we say
    ("found character '\\t'", "a tab; YAML wants spaces"),
    ("found a tab character", "a tab; YAML wants spaces"),
    ("found unexpected end of stream", "a text in quotes, or a bracket, that does not end"),
    ("could not find expected ':'", "expected a colon and a space after the key"),
    ("mapping values are not allowed here", "a colon where none is expected; put text with ': ' in quotes"),
    ("expected <block end>", "indented otherwise than the lines before it"),
    ("expected ',' or", "a bracket that does not end, or a missing comma"),
    ("but found another document", "a second document ('---'); one file holds one configuration"),
    ("found undefined tag handle", "a tag (!name) is not taken; put text beginning with '!' in quotes"),
    ("while scanning a tag", "a tag (!name) is not taken; put text beginning with '!' in quotes"),
    ("while parsing a node", "something is missing here, or must stand in quotes"),
)


@dataclass
class Tree:
    """What a file says. *lines* knows every key and entry, *secrets* what came from ``$env`` and ``$file``."""

    name: str  # as messages call the file
    folder: Path = Path()  # relative paths belong here
    data: Any = None
    lines: dict[Keys, int] = field(default_factory=dict)
    secrets: dict[Keys, str] = field(default_factory=dict)
    broken: set[Keys] = field(default_factory=set)  # has a problem already; more would only confuse
    problems: list[str] = field(default_factory=list)

    def where(self, keys: Keys) -> str:
        """``plugins.yml:12``: the line of *keys*, or of the nearest thing around them."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.name}:{self.lines.get(keys, 1)}"

    def problem(self, keys: Keys, sentence: str, line: int = 0) -> None:
        """Note what is wrong with *keys*; *line* where that is not where they stand."""
        where = f"{self.name}:{line}" if line else self.where(keys)
        self.broken.add(keys)
        self.problems.append(f"{where}: {dotted(keys)}: {sentence}" if keys else f"{where}: {sentence}")

    def expected(self, keys: Keys, what: str, got: str) -> None:
        """Note that something else was expected; silent about what is broken already, and about secrets."""
        if keys not in self.broken:
            self.problem(keys, f"expected {what}, got {'a value that is not shown' if keys in self.secrets else got}")


def dotted(keys: Keys) -> str:
    """*keys* as people write them: ``errors.json_file.paths[0]``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{printable(key)}" for key in keys).removeprefix(".")


def printable(text: str, limit: int = 60) -> str:
    """*text* without control characters, and not endless."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:limit])
    return shown + "..." if len(text) > limit else shown


def guess(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'n_clusters'?``, or nothing when nothing is near."""
    near = difflib.get_close_matches(word[:100].lower(), list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """The text of a small file. Raises ValueError, a sentence without the path."""
    try:
        if path.is_dir():
            raise ValueError("is a folder; expected a file")
        if path.exists() and not path.is_file():
            raise ValueError("is not a file")
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except FileNotFoundError:
        raise ValueError("does not exist") from None
    except OSError as err:
        raise ValueError(f"can not be read: {err.strerror}") from None
    if len(raw) > limit:
        raise ValueError(f"is larger than {limit:,} bytes; this can not be meant")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = raw.count(b"\n", 0, err.start) + 1
        raise ValueError(f"is not UTF-8 text (line {line}); save it as UTF-8") from None


def read(text: str, name: str, folder: Path = Path()) -> Tree:
    """Never raises: what can not be read is in ``problems``."""
    tree = Tree(name, folder)
    try:
        node = _Loader(text).get_single_node()
        if node is not None:
            tree.data = _plain(tree, node, ())
    except yaml.reader.ReaderError as err:
        line = text.count("\n", 0, err.position) + 1
        tree.problems.append(f"{name}:{line}: a control character, U+{err.character:04X}; take it out")
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        tree.problems.append(f"{name}:{mark.line + 1 if mark else 1}: {_in_our_words(err)}")
    except (ValueError, OverflowError):  # PyYAML's way to say \UFFFFFFFF and %YAML 1.999999...
        tree.problems.append(f"{name}:1: not YAML: a number in a directive or after a backslash is too large")
    return tree


class _Loader(yaml.SafeLoader):
    """Refuses aliases (the bombs are made of them) and what is nested beyond reason, before it is built."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # PyYAML's stubs lack it
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="an alias (*name) is not taken; write the value out, and text beginning with '*' in quotes",
                problem_mark=mark,
            )
        if self.depth >= _MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested more than {_MAX_DEPTH} deep", problem_mark=mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _in_our_words(err: yaml.MarkedYAMLError) -> str:
    said = (err.problem or "", err.context or "")
    for beginning, words in _WORDS:
        if any(text.startswith(beginning) for text in said):
            return words
    return said[0] if said[0].startswith(_OWN) else f"not YAML: {printable(said[0] or said[1], 120)}"


def _plain(tree: Tree, node: Node, keys: Keys) -> Any:
    tree.lines.setdefault(keys, node.start_mark.line + 1)
    if isinstance(node, MappingNode) and node.tag == _TAG + "map":
        return _mapping(tree, node, keys)
    if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
        return [_plain(tree, entry, (*keys, index)) for index, entry in enumerate(node.value)]
    if isinstance(node, ScalarNode):
        return _scalar(tree, node, keys)
    return _refuse_tag(tree, keys)


def _mapping(tree: Tree, node: MappingNode, keys: Keys) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode) or not key_node.value or not _whole(key_node.value):
            tree.problem(keys, "expected a word as key", line)
            continue
        key = (*keys, key_node.value)
        if key_node.value in found:
            tree.problem(key, f"is given twice; the first is in line {tree.lines[key]}", line)
            continue
        tree.lines[key] = line
        found[key_node.value] = _plain(tree, value_node, key)
    return found


def _whole(text: str) -> bool:
    """Whether no character of *text* is half of a surrogate pair."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _scalar(tree: Tree, node: ScalarNode, keys: Keys) -> Any:
    kind = node.tag.removeprefix(_TAG)
    if kind in _AS_TEXT or (kind in ("int", "float") and ":" in node.value):  # YAML 1.1 reads 12:30 as 750
        if not _whole(node.value):
            tree.problem(keys, "a character that is half of a pair; take the backslash and what follows out")
        return node.value
    if kind == "null":
        return None
    if kind not in _MAKE:
        return _refuse_tag(tree, keys)
    try:
        if len(node.value) > _MAX_DIGITS:
            raise ValueError
        return _MAKE[kind](SafeConstructor(), node)
    except (ValueError, KeyError, IndexError, OverflowError):
        tree.problem(keys, f"expected {'true or false' if kind == 'bool' else 'a number'} that can be read")
        return None


def _refuse_tag(tree: Tree, keys: Keys) -> None:
    tree.problem(keys, "a tag (!name) is not taken; put text beginning with '!' in quotes")


def resolve(tree: Tree, environ: Mapping[str, str]) -> None:
    """Put the text of the variable or file in the place of every ``{$env: NAME}`` and ``{$file: PATH}``."""
    tree.data = _resolved(tree, tree.data, (), environ)


def _resolved(tree: Tree, data: Any, keys: Keys, environ: Mapping[str, str]) -> Any:
    if isinstance(data, list):
        return [_resolved(tree, entry, (*keys, index), environ) for index, entry in enumerate(data)]
    if not isinstance(data, dict):
        return data
    if not any(key.startswith("$") for key in data):
        return {key: _resolved(tree, value, (*keys, key), environ) for key, value in data.items()}
    try:
        tree.secrets[keys] = _fetch(data, tree.folder, environ)
    except ValueError as err:
        tree.problem(keys, str(err))
        return None
    return tree.secrets[keys]


def _fetch(reference: dict[str, Any], folder: Path, environ: Mapping[str, str]) -> str:
    kind, named = next((key, value) for key, value in reference.items() if key.startswith("$"))
    if kind not in ("$env", "$file"):
        raise ValueError(f"'{printable(kind)}' is not known; there are $env and $file")
    if len(reference) > 1:
        raise ValueError(f"{kind} stands alone; take the other keys out")
    if not isinstance(named, str) or not named or "\0" in named:
        raise ValueError(f"expected a name after {kind}")
    if kind == "$env":
        if not environ.get(named):
            state = "empty" if named in environ else "not set"
            raise ValueError(f"the environment variable {printable(named)} is {state}")
        return environ[named]
    path = Path(named)
    try:
        path = folder / path.expanduser()
        text = read_text(path, _MAX_SECRET_BYTES).rstrip("\r\n")
    except (ValueError, RuntimeError) as err:  # RuntimeError: ~nobody
        raise ValueError(f"the file {printable(str(path), 200)} {err}") from None
    if not text:
        raise ValueError(f"the file {printable(str(path), 200)} is empty")
    return text
