"""What the options of a plugin are, row by row, for /plugins, `wwt plugins` and the docs. Secrets are not shown."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pydantic

from wwt_framework.config import PluginConfig

HIDDEN = "(not shown)"

_SECRET_NAME = re.compile(r"password|passwd|secret|token|credential|(^|_)key$", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
_LONG = 200


@dataclass(frozen=True)
class OptionRow:
    """One option of one plugin."""

    name: str
    type: str  # "integer", "text", ...
    default: str  # "" when it must be given
    value: str  # what is in force; "" before the plugin was filled
    given: bool  # plugins.yml says so
    description: str


def option_rows(
    model: type[pydantic.BaseModel], plugin: PluginConfig, filled: pydantic.BaseModel | None
) -> tuple[OptionRow, ...]:
    """The options of *plugin* in the order of its model; *filled* None: they could not be checked."""
    return tuple(_rows(model, plugin, filled))


def _rows(
    model: type[pydantic.BaseModel], plugin: PluginConfig, filled: pydantic.BaseModel | None
) -> Iterator[OptionRow]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        secret = _is_secret(key, field.annotation, plugin)
        default = "" if field.is_required() else _shown(field.get_default(call_default_factory=True), secret)
        value = "" if filled is None else _shown(getattr(filled, name), secret)
        yield OptionRow(key, _type_words(field.annotation), default, value, key in plugin.options, _words(field))


def _is_secret(key: str, annotation: Any, plugin: PluginConfig) -> bool:
    """A secret by its type, by its name, or because it, or a part of it, came from a variable or a file."""
    place = (plugin.namespace, plugin.name, key)
    return (
        "Secret" in str(annotation)
        or _SECRET_NAME.search(key) is not None
        or any(keys[:3] == place for keys in plugin.tree.secrets)
    )


def _shown(value: Any, secret: bool) -> str:
    if secret:
        return HIDDEN if value else ""
    text = _PASSWORD_IN_URL.sub(f"{HIDDEN}@", str(value))
    return text if len(text) <= _LONG else text[:_LONG] + "..."


def _words(field: pydantic.fields.FieldInfo) -> str:
    return field.description or ""


_TYPES = {int: "integer", float: "number", str: "text", bool: "true or false", dict: "mapping", list: "list"}


def _type_words(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(map(str, typing.get_args(annotation)))
    if annotation in _TYPES:
        return _TYPES[annotation]
    text = annotation.__name__ if isinstance(annotation, type) and not typing.get_args(annotation) else str(annotation)
    return re.sub(r"\b(?:[A-Za-z_]\w*\.)+", "", text)
