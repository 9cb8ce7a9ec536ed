"""What handlers read of the address: declared in their signature, checked here, and described in /api/v1/openapi.json.

A parameter that not every text will do for says so in its annotation: ``offset: Offset = "0"``.
The default itself is always taken: it is what an address without the parameter means.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Any, Protocol, get_args, get_type_hints

from wwt_framework.plugin import Field
from wwt_framework.web.exchange import Refused

SHOWN = 40  # characters of what was given that a refusal quotes


class Kind(Protocol):
    """Which texts a parameter takes."""

    def complaint(self, name: str, text: str) -> str:
        """Why *text* will not do, in a sentence; "" when it will."""

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""


@dataclass(frozen=True)
class Among:
    """One of a few words."""

    choices: tuple[str, ...]

    def complaint(self, name: str, text: str) -> str:
        if text in self.choices:
            return ""
        *most, last = filter(None, self.choices)
        told = f"{', '.join(most)} or {last}" if most else last
        return f"{name} can be {told}, not {text[:SHOWN]!r}."

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.choices)}


@dataclass(frozen=True)
class Number:
    """A whole number in decimal digits."""

    words: str  # what it is: "a number of lines to leave out"
    least: int = 0
    most: int = 9_999_999

    def complaint(self, name: str, text: str) -> str:
        if re.fullmatch("-?[0-9]{1,18}", text) and self.least <= int(text) <= self.most:
            return ""
        return f"{name} must be {self.words}, got {text[:SHOWN]!r}."

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Given:
    """Any text but none."""

    def complaint(self, name: str, text: str) -> str:
        return "" if text.strip() else lacks(name)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"\S"}


def lacks(name: str) -> str:
    return f"The address lacks {name}: add ?{name}=... to it."


@dataclass(frozen=True)
class Matching:
    """What a regular expression matches from end to end; blanks around it do not matter."""

    pattern: str  # of those that Python and JSON Schema read alike
    words: str

    def complaint(self, name: str, text: str) -> str:
        return "" if re.fullmatch(self.pattern, text.strip()) else f"{name} must be {self.words}, got {text[:SHOWN]!r}."

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True)
class Day:
    """A day of the calendar in UTC, after which there are others; blanks around it do not matter."""

    def complaint(self, name: str, text: str) -> str:
        try:
            day = text.strip()
            if re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII) and date.fromisoformat(day) < date.max:
                return ""
        except ValueError:
            pass
        return f"{name} must be a day such as 2026-11-23, got {text[:SHOWN]!r}."

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


def moment_of(text: str) -> datetime:
    """The time that *text* says, a day's beginning, in UTC unless it says otherwise. Raises ValueError, OverflowError."""
    text = text.strip()
    at = datetime.combine(date.fromisoformat(text), time()) if is_day(text) else datetime.fromisoformat(text)
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    at.astimezone(timezone.utc) + timedelta(days=1)
    return at


def is_day(text: str) -> bool:
    return len(text.strip()) == 10  # YYYY-MM-DD


@dataclass(frozen=True)
class Moment:
    """A day, or a time."""

    def complaint(self, name: str, text: str) -> str:
        try:
            moment_of(text)
        except (ValueError, OverflowError):
            return f"{name}: expected a day like 2026-11-23 or a time like 2026-11-23T12:00, got {text[:SHOWN]!r}."
        return ""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}


@dataclass(frozen=True)
class Marker:
    """Something about a parameter that is not about its text."""

    name: str


#: Of the page as people see it: programs have no use for it, and no description tells them of it.
DRAWN = Marker("drawn")
#: A program that asks for ``format`` has to give it as it must be; a person is shown the way.
NEEDED = Marker("needed")

CODE = Matching("-1|[0-9]{1,10}|NotReported|not reported|n\\.r\\.", "an exit code, or NotReported")

Drawn = Annotated[str, DRAWN]
Format = Annotated[str, Among(("json", "csv"))]
JsonFormat = Annotated[str, Among(("json",))]
Offset = Annotated[str, Number("a number of lines to leave out")]


@dataclass(frozen=True)
class Parameter:
    """One that a handler names."""

    name: str
    default: Any = inspect.Parameter.empty
    kinds: tuple[Kind, ...] = ()
    markers: frozenset[Marker] = frozenset()
    words: str = ""
    many: bool = False

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def several(self) -> bool:
        """Whether it may be given more than once, and every value counts."""
        return self.many or isinstance(self.default, tuple)

    def value(self, given: str | list[str]) -> Any:
        """What the handler gets."""
        values = given if isinstance(given, list) else [given]
        if self.several:
            return tuple(values)
        return values[-1]

    def check(self, value: Any) -> None:
        """Raises `Refused` with 400 when *value* is none that it takes."""
        for text in value if self.several else (value,):
            for kind in self.kinds:
                if text != self.default and (complaint := kind.complaint(self.name, text)):
                    raise Refused(400, complaint)


def parameter_of(field: Field) -> Parameter:
    """*field* of a plugin's page as one of ours."""
    kinds: tuple[Kind, ...] = ()
    if field.type == "integer":
        least, most = field.minimum or 0, 9_999_999 if field.maximum is None else field.maximum
        kinds = (Number(f"a whole number from {least} to {most}", least, most),)
    elif field.choices:
        kinds = (Among(field.choices),)
    elif field.required:
        kinds = (Given(),)
    optional = () if field.type in ("choices", "sites") else field.default or ""
    return Parameter(field.name, inspect.Parameter.empty if field.required else optional, kinds, words=field.help)


@lru_cache(maxsize=1024)
def signature_of(function: Callable[..., Any]) -> tuple[tuple[Parameter, ...], bool]:
    """The parameters that *function* names, but for what the house gives it, and whether it takes all others, too."""
    hints = get_type_hints(function, include_extras=True)
    named, takes_all = [], False
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_all = True
        elif name != "self":
            told = get_args(hints.get(name))[1:]
            kinds = tuple(one for one in told if hasattr(one, "complaint"))
            markers = frozenset(one for one in told if isinstance(one, Marker))
            named.append(Parameter(name, parameter.default, kinds, markers))
    return tuple(named), takes_all


def function_of(handler: Any) -> Callable[..., Any]:
    """The function behind a handler: that itself, or that of a method or of an object that can be called."""
    function: Callable[..., Any] = getattr(handler, "__func__", handler)
    return function if inspect.isfunction(function) else type(function).__call__


def parameters_for(handler: Any, given: Mapping[str, str | list[str]], rest: str | None = None) -> dict[str, Any]:
    """Those of *given* that *handler* names, in the shape it wants. Raises `Refused` with 400 for one that is missing."""
    named, takes_all = signature_of(function_of(handler))
    wanted: dict[str, Any] = {}
    for one in named:
        if one.name == "rest" and rest is not None:
            wanted["rest"] = rest
        elif one.name in given:
            wanted[one.name] = one.value(given[one.name])
        elif one.required:
            raise Refused(400, lacks(one.name))
        by_people = NEEDED in one.markers and not given.get("format")
        if NEEDED in one.markers and not by_people and not wanted.get(one.name):
            raise Refused(400, lacks(one.name))
        if one.name in wanted and not by_people:
            one.check(wanted[one.name])
    if takes_all:
        wanted.update({key: value for key, value in given.items() if key not in wanted and key != "self"})
    return wanted
