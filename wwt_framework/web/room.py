"""What the pages of one house are made of: its templates, static files and the pages plugins contribute.

Made anew when plugins.yml changed and a new house stands.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import (
    BytecodeCache,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
)
from jinja2.bccache import Bucket

from wwt_framework.plugin import LoginOption
from wwt_framework.web.assets import Assets
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.filters import FILTERS
from wwt_framework.web.operations import Operation, operations
from wwt_framework.web.pages.contributed import Contributed, collect
from wwt_framework.web.tools import Handler

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Room:
    """The pages' share of one house."""

    templates: Environment
    assets: Assets
    pages: Mapping[str, tuple[Contributed, ...]]  # path -> pages, told apart by their methods
    menu: tuple[Contributed, ...]  # in the order of plugins.yml
    user_menu: tuple[Contributed, ...]  # what the menu of who is signed in may have
    login_options: tuple[tuple[str, LoginOption], ...]  # plugin, option
    operations: tuple[Operation, ...]  # what programs may ask for
    refused: tuple[str, ...] = field(default=())  # sentences about pages that could not be taken


def build_room(house: Any, own: Mapping[str, Sequence[Handler]]) -> Room:
    """Furnish *house*; *own*: the core's handlers by path, ``/*`` for all below it, where no plugin's page can stand."""
    folders = plugin_folders(house.hooks.plugins)
    pages, refused = collect(house.hooks, frozenset(path.removesuffix("/*") for path in own))
    for sentence in refused:
        log.warning("a plugin's page was refused", extra={"why": sentence})
    menu = tuple({c.path: c for several in pages.values() for c in several if c.page.in_menu}.values())
    theirs = tuple(c for several in pages.values() for c in several if c.page.in_user_menu is not None)
    options = tuple(
        (answer.plugin, option)
        for answer in house.hooks.each("register_login_options")
        for option in answer.value or ()
    )
    static = {name: folder / "static" for name, folder in folders.items() if (folder / "static").is_dir()}
    environment = build_environment(house.config.house.templates, [f / "templates" for f in folders.values()])
    _compile(environment)
    return Room(
        environment, Assets(static), pages, menu, theirs, options, tuple(operations(own, pages)), tuple(refused)
    )


def plugin_folders(plugins: Mapping[str, object]) -> dict[str, Path]:
    """Full name -> the folder in which the plugin's module lies."""
    folders: dict[str, Path] = {}
    for name, plugin in plugins.items():
        file = getattr(sys.modules.get(type(plugin).__module__), "__file__", None)
        if file:
            folders[name] = Path(file).parent
    return folders


def build_environment(local: Path | None, plugins: list[Path]) -> Environment:
    """Templates are looked for in the installation's folder, then beside plugins, then in the core.

    "core:base.html" is always the core's, so that a template can extend the one it replaces.
    Only those of the installation's folder are read again when they change.
    """
    core = _shipped(TEMPLATES)
    found = [_shipped(folder) for folder in dict.fromkeys(plugins) if folder.is_dir()]
    first = [FileSystemLoader(local)] if local else []
    environment = Environment(
        loader=ChoiceLoader([*first, *found, core, PrefixLoader({"core": core}, delimiter=":")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(url=_url, asset=_asset)
    return environment


class _Shipped(FileSystemLoader):
    """Templates of *folder* as they are now: they go with the code that runs, whatever an upgrade puts in their place."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder
        self._texts = {name: (folder / name).read_text("utf-8") for name in super().list_templates()}

    def list_templates(self) -> list[str]:
        return list(self._texts)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:  # noqa: ARG002  # as every loader
        """The text, the file that it was read from, and that it never changes."""
        if template not in self._texts:
            raise TemplateNotFound(template)
        return self._texts[template], str(self._folder / template), lambda: True


#: Read once in a process, so that rooms that are made later have the same.
_shipped = cache(_Shipped)


class _Compiled(BytecodeCache):
    """What templates were compiled to, for all rooms of this process: another plugins.yml changes few of them."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}  # by name and place of a template, and by its text

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def _compile(environment: Environment) -> None:
    """Compile all templates now: a tenth of a second that somebody's first page would cost otherwise."""
    for name in environment.list_templates(filter_func=lambda name: name.endswith(".html") and ":" not in name):
        try:
            environment.get_template(name)
        except TemplateError as error:
            log.warning("a template can not be used", extra={"template": name, "error": str(error)})


def _url(path: str, **query: Any) -> str:
    return current_exchange().url(path, **query)


def _asset(name: str) -> str:
    """Address of a static file, with its version. Raises KeyError for one that is not there."""
    exchange = current_exchange()
    return exchange.url(f"/static/{name}", v=exchange.room.assets.version(name))
