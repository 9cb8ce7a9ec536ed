"""plugins.yml and entry points -> registered plugins. The only stevedore in the house.

Code that plugins.yml does not list is not imported.
What can not be used is left out with a sentence that says why; the rest goes on.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import Any

import pydantic
from stevedore.named import NamedExtensionManager

from wwt_framework.config import Config, PluginConfig, fill
from wwt_framework.config_reading import guess
from wwt_framework.errors import ConfigError, PluginError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.hooks.missing import missing_module
from wwt_framework.hooks.option_rows import OptionRow, option_rows
from wwt_framework.hooks.record import message_of
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext

log = logging.getLogger(__name__)

#: Namespace -> hooks of which a plugin there must implement at least one.
MUST: Mapping[str, tuple[str, ...]] = {
    "errors": (
        "list_workflows", "fetch_workflows", "fetch_family", "load_errors", "fetch_errors", "fetch_logs",
        "fetch_recoveries", "fetch_site_statuses", "describe_exit_codes", "show_links", "search_logs",
    ),
    "clustering": ("label_workflows", "find_similar", "mine_templates"),
    "actions": ("register_actions", "recommend_actions", "check_action", "build_sites", "register_rules", "register_pages"),
    "ml": ("load_predictor",),
    "auth": ("authenticate", "identify", "grant_roles", "register_login_options"),
    "extras": (),
}  # fmt: skip

#: Makes what a plugin receives: (its block of plugins.yml, its options, "wwt.errors") -> context.
MakeContext = Callable[[PluginConfig, Any, str], PluginContext[Any]]


@dataclass(frozen=True)
class Loaded:
    """What became of one plugin of plugins.yml."""

    config: PluginConfig
    state: str  # ready, missing (not installed), failed, ambiguous (two distributions offer it)
    reason: str = ""  # why it is not ready: a sentence, hostile
    target: str = ""  # "wwt_plugins.errors.json_file:JsonFile"
    distribution: str = ""  # "wwt-framework"
    version: str = ""
    package: str = ""  # where its templates and assets lie
    text: str = ""  # first line of the class's docstring
    hooks: tuple[str, ...] = ()
    options: tuple[OptionRow, ...] = ()
    carried: bool = False  # the plugin goes on from before a change of plugins.yml; it was started then
    needed: bool = False  # without it the house does not open, or a change of plugins.yml is not taken up

    @property
    def namespace(self) -> str:
        return self.config.namespace

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def full_name(self) -> str:
        """The name under which it is registered, ``errors.json_file``."""
        return self.config.full_name

    @property
    def ok(self) -> bool:
        return self.state == "ready"

    @property
    def complaint(self) -> str:
        """``plugins.yml:12: errors.json_file: <why it is not used>``; empty when it is."""
        if self.ok or self.reason.startswith(f"{self.config.tree.name}:"):  # options name their own lines
            return self.reason
        return f"{self.config.where}: {self.full_name}: {self.reason}"


@dataclass(frozen=True)
class Offer:
    """A plugin that is installed, whether plugins.yml lists it or not."""

    namespace: str
    name: str
    target: str
    distribution: str
    version: str


class _OneEntryPoint(NamedExtensionManager):  # type: ignore[type-arg]  # generic only in newer versions
    """Loads one entry point, found by importlib.metadata.

    Not by stevedore's own cache on disk: that may be a reinstall behind, and its
    entry points have forgotten which distribution they came from.
    """

    def __init__(self, entry: EntryPoint, on_failure: Callable[[BaseException], None]) -> None:
        self._entry = entry
        super().__init__(
            entry.group,
            [entry.name],
            on_load_failure_callback=lambda _manager, _entry, err: on_failure(err),
            on_missing_entrypoints_callback=None,
        )

    def list_entry_points(self) -> list[EntryPoint]:
        return [self._entry]


class _LeftOut(Exception):
    """Why a plugin can not be used."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


def load(
    hooks: Hooks, config: Config, make_context: MakeContext, before: tuple[Hooks, Sequence[Loaded]] | None = None
) -> list[Loaded]:
    """Register the plugins of *config* in the order of the file.

    *before*: what ran until now; a plugin whose block is unchanged goes on as it is.
    Raises `PluginError` when a plugin can not be used that plugins.yml calls ``required``,
    or, with *before*, one whose block is new or changed: then somebody is editing, and what runs goes on.
    """
    earlier = {item.config: item for item in before[1]} if before else {}
    loaded = []
    for plugin in config.plugins:
        item = earlier.get(plugin)
        if before and item and item.ok:
            hooks.adopt(plugin.full_name, before[0])
            loaded.append(replace(item, config=plugin, carried=True))
        else:
            needed = plugin.required or (before is not None and item is None)
            loaded.append(replace(_load_one(hooks, plugin, make_context), needed=needed))
    _insist(loaded)
    return loaded


def start(hooks: Hooks, loaded: Sequence[Loaded]) -> list[Loaded]:
    """Call ``startup`` of every plugin that is not carried over; one that raises is left out.

    Raises `PluginError` when that is one that is needed; those that were started are shut down again.
    """
    started = [_start_one(hooks, item) if item.ok and not item.carried else item for item in loaded]
    try:
        _insist(started)
    except PluginError:
        for item in reversed(started):
            if item.ok and not item.carried:
                hooks.only(item.full_name, "shutdown")
        raise
    return started


def stop(hooks: Hooks, still_running: Hooks | None = None) -> None:
    """Call ``shutdown`` in reverse order, but not of plugins that go on in *still_running*."""
    going_on = [id(plugin) for plugin in still_running.plugins.values()] if still_running else []
    for name, plugin in reversed(list(hooks.plugins.items())):
        if id(plugin) not in going_on:
            hooks.only(name, "shutdown")


def offers() -> list[Offer]:
    """All plugins that are installed, by namespace and name; none of them is imported."""
    return sorted(
        (
            Offer(namespace, entry.name, entry.value, *_origin(entry))
            for namespace in MUST
            for entry in importlib.metadata.entry_points(group=f"wwt.{namespace}")
        ),
        key=lambda offer: (list(MUST).index(offer.namespace), offer.name, offer.distribution),
    )


def _load_one(hooks: Hooks, plugin: PluginConfig, make_context: MakeContext) -> Loaded:
    item = Loaded(plugin, "failed")
    try:
        entry = _find(plugin)
        distribution, version = _origin(entry)
        item = replace(item, target=entry.value, distribution=distribution, version=version)
        made = _import(entry)
        item = replace(item, package=made.__module__.rpartition(".")[0] or made.__module__, text=_first_line(made))
        model = _options_model(made)
        item = replace(item, options=option_rows(model, plugin, None))
        options = fill(model, plugin)
        item = replace(item, options=option_rows(model, plugin, options))
        instance = _construct(made, make_context(plugin, options, entry.group))
        hooks.register(plugin.full_name, instance, plugin.deadline_s, plugin.shadow)
        implemented = hooks.implemented_by(plugin.full_name)
        _check_purpose(hooks, plugin, implemented)
        return replace(item, state="ready", hooks=implemented)
    except _LeftOut as err:
        item = replace(item, state=err.state, reason=err.reason)
    except (ConfigError, PluginError) as err:
        item = replace(item, reason=_without_place(str(err), plugin))
    log.error("a plugin can not be used", extra={"plugin": item.full_name, "reason": item.reason})
    return item


def _find(plugin: PluginConfig) -> EntryPoint:
    """The entry point of *plugin*. Nothing is imported: of two, the wrong one might be a stranger's."""
    group = f"wwt.{plugin.namespace}"
    offered = importlib.metadata.entry_points(group=group)
    found = [entry for entry in offered if entry.name == plugin.use]
    if len(found) > 1:
        both = " and ".join(f"{' '.join(_origin(entry))} ({entry.value})" for entry in found)
        raise _LeftOut("ambiguous", f"'{plugin.use}' is offered by {both}; uninstall one of them")
    if not found:
        names = sorted({entry.name for entry in offered})
        raise _LeftOut(
            "missing",
            f"no plugin '{plugin.use}' is installed{guess(plugin.use, names)}; "
            f"{group} offers: {', '.join(names) or 'nothing'}. "
            "If it was just added to a setup.py, install that package again (`pip install -e .`)",
        )
    return found[0]


def _import(entry: EntryPoint) -> Callable[..., object]:
    failed: list[BaseException] = []
    try:
        found = _OneEntryPoint(entry, failed.append).extensions
    except (AssertionError, SystemExit) as err:  # stevedore lets these through
        failed.append(err)
        found = []
    if failed:
        if isinstance(failed[0], ModuleNotFoundError):
            raise _LeftOut("failed", missing_module(failed[0], entry))
        log.error("a plugin can not be imported", extra={"plugin": entry.name}, exc_info=failed[0])
        raise _LeftOut("failed", f"importing {entry.value} raised {message_of(failed[0])}")
    made = found[0].plugin
    if not callable(made):
        raise _LeftOut(
            "failed", f"{entry.value}: expected a class, got {type(made).__name__} {entry.attr or ''}".strip()
        )
    return made


def _options_model(made: Callable[..., object]) -> type[pydantic.BaseModel]:
    model = getattr(made, "Options", PluginOptions)
    if not (isinstance(model, type) and issubclass(model, PluginOptions)):
        raise _LeftOut(
            "failed", f"Options: expected a class made from wwt_framework.options.PluginOptions, got {model!r}"
        )
    return model


def _construct(made: Callable[..., object], context: PluginContext[Any]) -> object:
    try:
        return made(context)
    except (Exception, SystemExit) as err:  # a plugin may raise anything
        log.exception("a plugin can not be made", extra={"plugin": context.name})
        raise _LeftOut("failed", f"making it raised {message_of(err)}") from err


def _check_purpose(hooks: Hooks, plugin: PluginConfig, implemented: Sequence[str]) -> None:
    wanted = MUST[plugin.namespace]
    if wanted and not set(wanted) & set(implemented):
        hooks.unregister(plugin.full_name)
        raise _LeftOut(
            "failed",
            f"a plugin of wwt.{plugin.namespace} implements at least one of {', '.join(wanted)}; "
            f"this one implements {', '.join(implemented)}",
        )


def _start_one(hooks: Hooks, item: Loaded) -> Loaded:
    answer = hooks.only(item.full_name, "startup")
    if answer.error is None:
        return item
    hooks.unregister(item.full_name)
    return replace(item, state="failed", reason=f"startup raised {message_of(answer.error)}")


def _insist(loaded: Sequence[Loaded]) -> None:
    lacking = [
        f"{item.complaint} (and it is required)" if item.config.required else item.complaint
        for item in loaded
        if item.needed and not item.ok
    ]
    if lacking:
        raise PluginError("\n".join(lacking))


def _origin(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("an unknown distribution", "")


def _first_line(made: object) -> str:
    return (inspect.getdoc(made) or "").partition("\n")[0]


def _without_place(text: str, plugin: PluginConfig) -> str:
    """*text* without what ``complaint`` says anyway; the line of a single option stays."""
    return text.removeprefix(f"plugin '{plugin.full_name}' ").removeprefix(f"plugin '{plugin.full_name}', ")
