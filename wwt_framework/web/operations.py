"""What programs may ask for: every address that answers JSON, of the core and of plugins, as its handler declares it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wwt_framework.web.pages.contributed import Contributed
from wwt_framework.web.parameters import DRAWN, NEEDED, Among, Given, Parameter, function_of, parameter_of, signature_of
from wwt_framework.web.shapes import by_status
from wwt_framework.web.tools import Handler, Rules


@dataclass(frozen=True)
class Operation:
    """One address with one method."""

    path: str  # "{id}" stands for what follows an address
    method: str
    role: str
    of: str  # core, or the plugin
    summary: str
    description: str
    answers: Mapping[int, Any]  # status -> shape
    parameters: tuple[Parameter, ...] = ()  # of the address, or of a form
    in_form: bool = False  # the parameters are fields of a form
    open_form: bool = False  # which takes others, too
    accepts: Any = None  # the shape of a JSON body
    files: tuple[str, ...] = ()  # what else than JSON ``format`` may say: csv, txt
    for_scripts: bool = False  # who comes with a session gets a page
    identify: bool = True  # who asks makes a difference

    @property
    def changes(self) -> bool:
        return self.method != "GET"


def operations(own: Mapping[str, Sequence[Handler]], pages: Mapping[str, Sequence[Contributed]]) -> list[Operation]:
    """All, by address. *own*: the core's by path, ``/*`` for what is below it; *pages*: those of plugins."""
    found = [*_of_core(own), *_of_plugins(pages)]
    return sorted(found, key=lambda one: (one.path, one.method))


def _of_core(own: Mapping[str, Sequence[Handler]]) -> Iterator[Operation]:
    for path, handlers in own.items():
        for handler in handlers:
            rules, function = handler.rules, function_of(handler)
            if rules.answers is None:
                continue
            summary, description = _words(function, "")
            named, takes_all = signature_of(function)
            parameters = _shown((*named, *rules.asks.values()), rules)
            for method in rules.methods:
                yield Operation(
                    path.replace("/*", "/{id}"), method, rules.role, "core", summary, description, by_status(rules.answers),
                    tuple(parameters), method != "GET", takes_all and method != "GET", rules.accepts,
                    _files(parameters), method == "GET" and not rules.json and "format" not in {one.name for one in named},
                    rules.identify,
                )  # fmt: skip


def _files(parameters: Sequence[Parameter]) -> tuple[str, ...]:
    formats = [kind for one in parameters if one.name == "format" for kind in one.kinds if isinstance(kind, Among)]
    return tuple(choice for kind in formats for choice in kind.choices if choice not in ("", "json"))


def _shown(parameters: Sequence[Parameter], rules: Rules) -> list[Parameter]:
    """Those that a program has a use for, as it has to give them."""
    shown = []
    for one in parameters:
        if DRAWN in one.markers or one.name == "rest":
            continue
        # Where people get a page, programs have to say that they want JSON.
        needed = NEEDED in one.markers or (one.name == "format" and not rules.json)
        kinds = one.kinds or ((Given(),) if needed else ())
        shown.append(replace(one, default=inspect.Parameter.empty, kinds=kinds, many=one.several) if needed else one)
    return shown


def _of_plugins(pages: Mapping[str, Sequence[Contributed]]) -> Iterator[Operation]:
    for path, several in pages.items():
        for one in several:
            page = one.page
            if page.answers is None:
                continue
            summary, description = _words(page.handler, page.title)
            parameters = tuple(map(parameter_of, page.asks))
            for method in page.methods:
                yield Operation(
                    path, method, page.role, one.plugin, summary, description, by_status(page.answers), parameters,
                    accepts=page.accepts, files=_files(parameters),
                )  # fmt: skip


def _words(function: Callable[..., Any], title: str) -> tuple[str, str]:
    """Summary and description, as the docstring has them; *title* where there is none."""
    first, _, more = (inspect.getdoc(function) or title).partition("\n\n")
    return " ".join(first.replace("``", "").split()).rstrip("."), more.replace("``", "`")
