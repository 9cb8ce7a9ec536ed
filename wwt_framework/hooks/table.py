"""Every hook as data, read off its specification: how it is asked, with what, for how long, what it may answer."""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wwt_framework import cube, model, plugin
from wwt_framework.errors import PluginError
from wwt_framework.hooks import NAME, specs
from wwt_framework.hooks.record import shorten

#: Seconds that a hook has, by the beginning of its name; hooks that are not named here may take their time.
DEADLINES: Mapping[str, float] = {
    "recommend_": 0.5,
    "show_": 0.5,
    "build_": 0.5,
    "check_": 0.5,
    "find_": 0.5,
    "identify": 0.5,
    "authenticate": 5.0,
    "grant_": 5.0,
    "report_": 5.0,
    "search_": 10.0,
}

_ASKED = re.compile(r"Asked: (each|first|owner)\b")


@dataclass(frozen=True)
class Hook:
    """One hook of ``specs.py``."""

    name: str
    asked: Literal["each", "first", "owner"]
    arguments: tuple[str, ...]
    deadline_s: float | None  # None: it may take its time
    spec: Callable[..., Any]

    @property
    def signature(self) -> str:
        """As it stands in specs.py, in one line."""
        return f"{self.name}{inspect.signature(self.spec)}".replace("'", "")

    @functools.cached_property
    def returns(self) -> Returns:
        """What an answer may be."""
        hints = typing.get_type_hints(self.spec, localns={**vars(cube), **vars(model), **vars(plugin)})
        return Returns.of(hints["return"], none_says_nothing=self.asked != "owner")


@dataclass(frozen=True)
class Returns:
    """What a hook declares to return, checked at run time as far as that is cheap: the classes, not the fields."""

    kind: type | None  # None: the answer is not looked at
    many: bool = False  # a list or tuple of *kind*
    none: bool = False  # None is an answer of its own

    @classmethod
    def of(cls, annotation: Any, none_says_nothing: bool) -> Returns:
        """Read a return annotation: None, a class, a sequence of a class, any of them or None."""
        if annotation is type(None):
            return cls(None)
        optional = typing.get_origin(annotation) in (typing.Union, types.UnionType)
        if optional:
            (annotation,) = (part for part in typing.get_args(annotation) if part is not type(None))
        if typing.get_origin(annotation) is Sequence:
            return cls(typing.get_args(annotation)[0], many=True, none=optional)
        return cls(annotation, none=optional or none_says_nothing)

    @property
    def words(self) -> str:
        """What is expected, in words."""
        if self.kind is None:
            return "nothing"
        text = f"a list of {self.kind.__name__}" if self.many else self.kind.__name__
        return f"{text} or None" if self.none else text

    def check(self, value: Any) -> Any:
        """Give *value* back if it is what the hook declares; None becomes an empty tuple where many are expected.

        Raises `PluginError` that says what was expected and what came.
        """
        if self.kind is None:
            return None
        if value is None and (self.none or self.many):
            return None if self.none else ()
        if not self.many:
            if not _is_a(type(value), self.kind):
                raise PluginError(f"expected {self.words}, got {_describe(value)}")
            return value
        if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
            raise PluginError(f"expected {self.words}, got {_describe(value)}")
        if not isinstance(value, cube.Names) and not all(_is_a(kind, self.kind) for kind in set(map(type, value))):
            at = next(at for at, item in enumerate(value) if not _is_a(type(item), self.kind))
            raise PluginError(f"expected {self.words}, but number {at + 1} of {len(value)} is {_describe(value[at])}")
        return value


def _is_a(kind: type, wanted: type) -> bool:
    """Whether instances of *kind* are *wanted*; of a protocol, whether they have its methods."""
    if getattr(wanted, "_is_protocol", False):
        methods = (name for name, part in vars(wanted).items() if inspect.isfunction(part) and name[0] != "_")
        return all(callable(getattr(kind, name, None)) for name in methods)
    return issubclass(kind, wanted)


def _describe(value: Any) -> str:
    return "None" if value is None else f"{shorten(value)} ({type(value).__name__})"


def _deadline(name: str) -> float | None:
    return next((seconds for start, seconds in DEADLINES.items() if name.startswith(start)), None)


def _read(name: str, spec: Callable[..., Any]) -> Hook:
    asked = typing.cast(Literal["each", "first", "owner"], _ASKED.findall(spec.__doc__ or "")[0])
    return Hook(name, asked, tuple(inspect.signature(spec).parameters), _deadline(name), spec)


#: Hook name -> hook, in the order of specs.py.
HOOKS: Mapping[str, Hook] = {
    name: _read(name, spec) for name, spec in vars(specs).items() if hasattr(spec, f"{NAME}_spec")
}
