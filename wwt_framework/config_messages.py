"""What pydantic found, said in our words: what was expected, what is there, and a guess at what was meant.

The value of a secret is never said: what came from ``$env`` and ``$file``, what goes into a ``SecretStr``, and
whatever stands under a key called password, token, or the like.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from wwt_framework.config_reading import Keys, Tree, dotted, guess, printable

_SECRET_WORD = re.compile(r"passw|passphrase|secret|token|credential|private|api_?key", re.IGNORECASE)
_USER_IN_URL = re.compile(r"//[^/@\s]*@")
_LISTS = (list, tuple, set, frozenset)
_NOUNS = {  # how pydantic begins the type of an error
    "int": "an integer",
    "float": "a number",
    "finite": "a finite number",
    "decimal": "a number",
    "string": "text",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
    "model": "a mapping",
    "dataclass": "a mapping",
    "path": "a path",
    "date": "a date like 2026-11-23",
    "datetime": "a time like 2026-11-23T12:00:00Z",
    "time": "a number of seconds",
    "none": "nothing",
}


@dataclass(frozen=True)
class _Spot:
    """One place in an options model."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Subject:
    """What was checked: *data*, which stands at *base* of the file *tree*, against *model*."""

    model: type[BaseModel]
    data: Any
    tree: Tree
    base: Keys
    also: tuple[str, ...] = ()  # keys that may stand there besides the fields of the model

    def is_secret(self, loc: Sequence[int | str]) -> bool:
        keys = (*self.base, *loc)
        if any(keys[:end] in self.tree.secrets for end in range(len(keys) + 1)):
            return True
        if any(isinstance(part, str) and _SECRET_WORD.search(part) for part in loc):
            return True
        while loc and not any(True for _ in _spots(self.model, loc)):
            loc = loc[:-1]
        return bool(loc) and any(_takes_secret(spot.annotation) for spot in _spots(self.model, loc))

    def secrets(self) -> Iterator[str]:
        """Every text in *data* that must not be shown."""
        for loc, value in _leaves(self.data, ()):
            if value is not None and not isinstance(value, bool) and str(value) and self.is_secret(loc):
                yield str(value)


def explain(err: ValidationError, subject: Subject) -> list[str]:
    """One sentence with file and line for everything in *err*."""
    tree, found = subject.tree, dict[Keys, list[str]]()
    details = err.errors(include_url=False)
    for detail in [one for one in details if not _known_elsewhere(one, subject)] or details:
        keys = _keys(detail, subject)
        if not any(keys[:end] in tree.broken for end in range(len(keys) + 1)):
            found.setdefault(keys, []).append(_sentence(detail, subject))
    return [f"{tree.where(keys)}: {dotted(keys)}: {_either(sentences)}" for keys, sentences in found.items()]


def _known_elsewhere(detail: ErrorDetails, subject: Subject) -> bool:
    """Whether only one member of a union takes this key for unknown."""
    return detail["type"] == "extra_forbidden" and detail["loc"][-1] in _names(subject.model, detail["loc"][:-1])


def quote(value: Any) -> str:
    """*value* as plugins.yml would have it, short, without the user and password of a URL."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{printable(_USER_IN_URL.sub('//...@', value))}'"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, _LISTS) else printable(str(value))


def unknown(word: str, known: Sequence[str], what: str = "option") -> str:
    """``unknown option; did you mean 'n_clusters'?``, or what there is."""
    there_are = f"; there are: {', '.join(known)}" if known else "; there are none"
    return f"unknown {what}{guess(word, known) or there_are}"


def _keys(detail: ErrorDetails, subject: Subject) -> Keys:
    """Where in the file; pydantic's ``loc`` also names members of unions, which nobody has written."""
    keys, lines, loc = subject.base, subject.tree.lines, detail["loc"]
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        absent = last and (detail["type"] == "missing" or part in _names(subject.model, loc[:-1]))
        if absent or (*keys, part) in lines or not lines:
            keys = (*keys, part)
    return keys


def _sentence(detail: ErrorDetails, subject: Subject) -> str:
    loc = detail["loc"]
    if detail["type"] == "extra_forbidden":
        names = _names(subject.model, loc[:-1])
        return unknown(str(loc[-1]), names if len(loc) > 1 else [*names, *subject.also])
    if detail["type"] == "missing":
        meaning = next((spot.description for spot in _spots(subject.model, loc) if spot.description), "")
        return "is missing" + (f": {meaning}" if meaning else "")
    sentence = _expected(detail, subject)
    if any(secret in sentence or repr(secret)[1:-1] in sentence for secret in subject.secrets()):
        return "is not accepted; the reason quotes a secret and is not shown"
    if not sentence.startswith("expected ") or ", got " in sentence:
        return sentence
    return f"{sentence}, got {'a value that is not shown' if subject.is_secret(loc) else quote(detail['input'])}"


def _expected(detail: ErrorDetails, subject: Subject) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return printable(str(context.get("error") or "is not accepted"), 500)
    if kind in ("literal_error", "enum"):
        return f"expected {context['expected']}"
    if kind == "string_pattern_mismatch":
        return f"expected text that matches {context['pattern']}"
    if kind == "string_unicode":
        return "expected text in UTF-8"
    spot = next(_spots(subject.model, detail["loc"]), _Spot(None))
    if noun := _noun(kind, spot.annotation):
        return f"expected {noun}{_bounds(spot.metadata, context)}"
    return re.sub(r"^(Input|Value) should (be|have) ", "expected ", detail["msg"])


def _noun(kind: str, annotation: Any) -> str:
    word = kind.partition("_")[0]
    if word not in ("greater", "less", "multiple", "too"):
        return _NOUNS.get(word, "")
    if get_origin(annotation) in _LISTS:
        return "a list"
    other = "a list" if word == "too" else "a number"
    return {int: "an integer", dict: "a mapping"}.get(get_origin(annotation) or annotation, other)


def _bounds(metadata: Iterable[Any], context: Mapping[str, Any]) -> str:
    names = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length")
    known = {name: value for part in metadata for name in names if (value := getattr(part, name, None)) is not None}
    known |= {name: context[name] for name in names if name in context}
    said = {name: str(value).removesuffix(".0") for name, value in known.items()}
    if "ge" in said and "le" in said:
        return f" from {said['ge']} to {said['le']}"
    words = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below", "multiple_of": "in steps of"}
    words |= {"min_length": "with a length of at least", "max_length": "with a length of at most"}
    return " and".join(f" {word} {said[name]}" for name, word in words.items() if name in said)


def _either(sentences: Sequence[str]) -> str:
    """One sentence for the members of a union: ``expected an integer or text, got a list``."""
    split = [re.fullmatch(r"expected (.*)(, got .*)", sentence, re.DOTALL) for sentence in sentences]
    if len({match[2] if match else "" for match in split}) == 1 and split[0]:
        return "expected " + " or ".join(dict.fromkeys(match[1] for match in split if match)) + split[0][2]
    return "; ".join(dict.fromkeys(sentences))


def _names(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The keys that may stand at *loc*."""
    models = [spot.annotation for spot in _spots(model, loc) if _is_model(spot.annotation)]
    return [field.alias or name for found in models for name, field in found.model_fields.items()]


def _spots(
    annotation: Any, loc: Sequence[int | str], metadata: tuple[Any, ...] = (), says: str = ""
) -> Iterator[_Spot]:
    """What the options model has at *loc*; more than one where a union leaves it open, none where we can not tell."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _spots(args[0], loc, (*metadata, *_flat(args[1:])), says)
    elif origin in (Union, types.UnionType):
        for member in args:
            inner = list(_spots(member, loc, metadata, says))
            yield from inner or (_spots(member, loc[1:], metadata, says) if loc else ())  # loc[0] names the member
    elif not loc:
        yield _Spot(annotation, metadata, says)
    elif _is_model(annotation):
        for name, field in annotation.model_fields.items():
            if loc[0] in (name, field.alias):
                yield from _spots(field.annotation, loc[1:], _flat((field,)), field.description or "")
    elif origin in _LISTS and isinstance(loc[0], int):
        fixed = origin is tuple and Ellipsis not in args and loc[0] < len(args)
        yield from _spots(args[loc[0]] if fixed else args[0], loc[1:])
    elif len(args) == 2 and isinstance(loc[0], str):
        yield from _spots(args[1], loc[1:])


def _flat(metadata: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(inner for part in metadata for inner in (part.metadata if isinstance(part, FieldInfo) else (part,)))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _takes_secret(annotation: Any, seen: frozenset[Any] = frozenset()) -> bool:
    if annotation in (SecretStr, SecretBytes) or "Secret" in getattr(annotation, "__name__", ""):
        return True
    inside = list(get_args(annotation))
    if _is_model(annotation) and annotation not in seen:
        seen |= {annotation}
        inside += [field.annotation for field in annotation.model_fields.values()]
    return any(_takes_secret(part, seen) for part in inside)


def _leaves(data: Any, loc: Keys) -> Iterator[tuple[Keys, Any]]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _leaves(value, (*loc, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _leaves(value, (*loc, index))
    else:
        yield loc, data
