"""Fields and posted strings give typed values, and problems in words. No HTML, no store, no web."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wwt_framework.model import Problem
from wwt_framework.plugin import Field

#: Characters that one text field takes.
TEXT_LIMIT = 10_000
#: What a ticked box, or a script, sends; and what an unticked one is called.
_YES, _NO = frozenset({"1", "on", "true", "yes"}), frozenset({"0", "off", "false", "no"})
_INTEGER = re.compile(r"([+-]?[0-9]{1,15})\s*([A-Za-z]*)", re.ASCII)
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
#: Unit of a field -> unit that people write -> factor.
_FACTORS: Mapping[str, Mapping[str, int]] = {"MB": {"mb": 1, "m": 1, "gb": 1024, "g": 1024}}

Posted = Mapping[str, str | list[str]]


class _Unfit(Exception):
    """What was posted does not fit its field; the message says what was expected."""


def read(
    fields: Sequence[Field], posted: Posted, prefix: str = "", *, partial: bool = False
) -> tuple[dict[str, Any], list[Problem]]:
    """The values of *fields* in *posted*, where each is called *prefix* plus its name, and what is wrong with them.

    A field that was not posted, or posted blank, has no value: its default is what a new form begins with.
    *partial*: more will be filled in from elsewhere, so that a required field may be blank.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in fields:
        texts = _texts(posted.get(prefix + field.name, ()))
        if not texts:
            if field.required and not partial:
                problems.append(Problem(f"{field.label} is missing.", field.name, fix=_expected(field)))
            continue
        try:
            values[field.name] = _READ[field.type](field, texts)
        except _Unfit as err:
            problems.append(Problem(f"{field.label} {err}", field.name))
    return values, problems


def _texts(given: str | Sequence[str]) -> list[str]:
    """What is not blank, without outer blanks, lines ended by one character."""
    several = [given] if isinstance(given, str) else list(given)
    cleaned = (text.replace("\r\n", "\n").replace("\r", "\n").strip() for text in several)
    return [text for text in cleaned if text]


def _one(texts: list[str]) -> str:
    if len(set(texts)) > 1:
        raise _Unfit(f"must be one value, got {len(texts)}: {', '.join(_quote(text) for text in texts[:5])}.")
    return texts[0]


def _text(_: Field, texts: list[str]) -> str:
    text = _one(texts)
    if len(text) > TEXT_LIMIT:
        raise _Unfit(f"must not be longer than {TEXT_LIMIT:,} characters, got {len(text):,}.")
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text):
        raise _Unfit("has characters that can not be kept; write it again without them.")
    return text


def _integer(field: Field, texts: list[str]) -> int:
    text = _one(texts)
    match = _INTEGER.fullmatch(text)
    factors = {"": 1, field.unit.lower(): 1, **_FACTORS.get(field.unit, {})}
    if match is None or match[2].lower() not in factors:
        raise _Unfit(f"must be {_range(field)}, got {_quote(text)}.")
    number = int(match[1]) * factors[match[2].lower()]
    low, high = field.minimum, field.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise _Unfit(f"must be {_range(field)}, got {_quote(text)}.")
    return number


def _choice(field: Field, texts: list[str]) -> str:
    text = _one(texts)
    if text not in field.choices:
        raise _Unfit(f"must be one of {', '.join(field.choices)}, got {_quote(text)}.")
    return text


def _choices(field: Field, texts: list[str]) -> tuple[str, ...]:
    if unknown := [text for text in texts if text not in field.choices]:
        raise _Unfit(f"must be among {', '.join(field.choices)}, got {_quote(unknown[0])}.")
    return tuple(choice for choice in field.choices if choice in texts)


def _flag(_: Field, texts: list[str]) -> bool:
    text = texts[-1].lower()  # a box with a hidden field before it sends both
    if text not in _YES | _NO:
        raise _Unfit(f"must be yes or no, got {_quote(texts[-1])}.")
    return text in _YES


def _sites(_: Field, texts: list[str]) -> tuple[str, ...]:
    names = sorted({name for text in texts for name in re.split(r"[\s,;]+", text) if name})
    if strange := [name for name in names if not _SITE.fullmatch(name)]:
        raise _Unfit(f"must be names of sites like T2_CH_CERN, got {_quote(strange[0])}.")
    return tuple(names)


_READ: Mapping[str, Callable[[Field, list[str]], Any]] = {
    "text": _text,
    "integer": _integer,
    "choice": _choice,
    "choices": _choices,
    "flag": _flag,
    "sites": _sites,
}


def _range(field: Field) -> str:
    unit = f" {field.unit}" if field.unit else ""
    if field.minimum is not None and field.maximum is not None:
        return f"between {field.minimum} and {field.maximum}{unit}"
    if field.minimum is not None:
        return f"a whole number of at least {field.minimum}{unit}"
    if field.maximum is not None:
        return f"a whole number of at most {field.maximum}{unit}"
    return f"a whole number{f' of {field.unit}' if field.unit else ''}"


def _expected(field: Field) -> str:
    if field.choices:
        return f"Choose {'one' if field.type == 'choice' else 'some'} of {', '.join(field.choices)}."
    if field.type == "integer":
        return f"Give a number: {_range(field)}."
    return "Fill it in."


def _quote(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
