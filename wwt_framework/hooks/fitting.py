"""Whether a plugin fits the hook specifications; what does not fit is said before it is called."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from wwt_framework.errors import PluginError
from wwt_framework.hooks.table import HOOKS

_ORDERING = ("wrapper", "hookwrapper", "tryfirst", "trylast")

#: pluggy's reading of a marker: the options given to @hookimpl, None for what is not marked.
ReadMarker = Callable[[object, str], Mapping[str, Any] | None]


def implementations(name: str, plugin: object, read_marker: ReadMarker) -> list[str]:
    """The hooks that *plugin* implements.

    Raises `PluginError` that names the plugin, the hook and what does not fit.
    """
    if isinstance(plugin, type):
        raise PluginError(f"plugin '{name}': expected an instance, got the class {plugin.__name__}")
    found: dict[str, str] = {}
    for attribute in dir(plugin):
        options = _marked(name, plugin, attribute, read_marker)
        if options is None:
            continue
        hook = options.get("specname") or attribute
        if hook not in HOOKS and options.get("optionalhook"):
            continue
        _check_hook(name, hook, options)
        _check_function(f"plugin '{name}', hook '{hook}'", hook, getattr(plugin, attribute))
        if hook in found:
            raise PluginError(f"plugin '{name}' implements '{hook}' twice: {found[hook]} and {attribute}")
        found[hook] = attribute
    if not found:
        raise PluginError(f"plugin '{name}' implements no hook; is @hookimpl missing?")
    return list(found)


def _marked(name: str, plugin: object, attribute: str, read_marker: ReadMarker) -> Mapping[str, Any] | None:
    try:
        return read_marker(plugin, attribute)
    except Exception as err:
        raise PluginError(f"plugin '{name}': {attribute} can not be looked at: {type(err).__name__}: {err}") from err


def _check_hook(name: str, hook: str, options: Mapping[str, Any]) -> None:
    if hook not in HOOKS:
        near = difflib.get_close_matches(hook, HOOKS, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else "; docs/hooks lists those there are"
        raise PluginError(f"plugin '{name}' implements unknown hook '{hook}'{hint}")
    if asked := [option for option in _ORDERING if options.get(option)]:
        raise PluginError(f"plugin '{name}', hook '{hook}': {asked[0]} is not for us; plugins.yml says the order")


def _check_function(where: str, hook: str, function: Callable[..., Any]) -> None:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(f"{where}: expected a plain function, got an async one; use context.gather for parallel I/O")
    if inspect.isgeneratorfunction(function):
        raise PluginError(f"{where}: expected a function that returns a list, got a generator; collect what it yields")
    for parameter in inspect.signature(function).parameters.values():
        _check_parameter(where, hook, parameter)


def _check_parameter(where: str, hook: str, parameter: inspect.Parameter) -> None:
    takes = HOOKS[hook].arguments
    may = f"it may take {', '.join(takes)}" if takes else "it takes none"
    optional = parameter.default is not parameter.empty
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise PluginError(f"{where}: arguments come by name, nothing would arrive in *{parameter.name}; {may}")
    if parameter.name not in takes and not optional:
        near = difflib.get_close_matches(parameter.name, takes, n=1)
        hint = f"did you mean '{near[0]}'?" if near else may
        raise PluginError(f"{where}: unknown argument '{parameter.name}'; {hint}")
    if parameter.name in takes and optional:
        raise PluginError(f"{where}: argument '{parameter.name}' has a default and would never arrive; take it without")
    if parameter.kind is parameter.KEYWORD_ONLY and not optional:
        raise PluginError(f"{where}: argument '{parameter.name}' stands after * and would never arrive")
