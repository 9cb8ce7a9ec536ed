"""The parameters of an action out of what expressions found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .schema import TEMPLATE

Value = str | int | tuple[str, ...]


def filled(
    parameters: Mapping[str, Value], captured: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str | int | list[str]], tuple[str, ...]]:
    """*parameters* with what was *captured* in the place of ``{name}``, and those for which nothing was found.

    A parameter that is a list takes every find; a calculation takes the largest number; any other the first find.
    """
    found: dict[str, str | int | list[str]] = {}
    left = []
    for field, value in parameters.items():
        made = _list(value, captured) if isinstance(value, tuple) else _one(value, captured)
        if made is None:
            left.append(field)
        else:
            found[field] = made
    return found, tuple(left)


def _list(values: tuple[str, ...], captured: Mapping[str, Sequence[str]]) -> list[str] | None:
    found: dict[str, None] = {}
    for value in values:
        whole = TEMPLATE.fullmatch(value)
        if whole and not whole[2] and not whole[4]:
            found.update(dict.fromkeys(captured.get(whole[1], ())))
        elif (text := _one(value, captured)) is not None:
            found[str(text)] = None
    return list(found) or None


def _one(value: Value, captured: Mapping[str, Sequence[str]]) -> str | int | None:
    if not isinstance(value, str):
        return value if isinstance(value, int) else None
    lost = []

    def said(match: re.Match[str]) -> str:
        text = _said(match, captured.get(match[1], ()))
        lost.extend([] if text else [match[1]])
        return text

    text = TEMPLATE.sub(said, value)
    return None if lost else text


def _said(match: re.Match[str], finds: Sequence[str]) -> str:
    _, sign, factor, more = match.groups()
    if not sign and more is None:
        return finds[0] if finds else ""
    numbers = [float(find) for find in finds if re.fullmatch(r"\d{1,12}(\.\d{1,6})?", find)]
    if not numbers:
        return ""
    number = max(numbers)
    by = float(factor) if factor else 1.0
    if sign == "/" and not by:
        return ""
    number = number / by if sign == "/" else number * by
    return str(round(number) + int(more or 0))
