"""plugins.yml -> ``Config``: what an installation runs, checked, with the file and the line of all that is wrong.

config = load(find(args.config, os.environ, Path.cwd()))
for plugin in config.of("errors"):
    options = fill(TheirPlugin.Options, plugin)
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from wwt_framework.config_messages import Subject, explain, quote, unknown
from wwt_framework.config_reading import Tree, read, read_text, resolve
from wwt_framework.errors import ConfigError
from wwt_framework.options import HouseKeys, HouseOptions, split_house_keys

__all__ = ["NAMESPACES", "Config", "HouseOptions", "PluginConfig", "default_text", "fill", "find", "load"]

NAMESPACES = ("errors", "clustering", "actions", "ml", "auth", "extras")
_FILE = "plugins.yml"
_SHARE = f"share/wwt_framework/{_FILE}"
_PLUGIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")  # it becomes a folder and a part of addresses

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class PluginConfig:
    """One plugin as plugins.yml lists it. Equal to another one when it would run the same."""

    namespace: str  # "errors"
    name: str  # key in the file: "accounts_fnal"
    use: str  # name of the entry point
    required: bool = False
    shadow: bool = False
    deadline_s: float | None = None  # None: the house's own deadlines
    options: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)  # may hold secrets
    where: str = field(default="", compare=False)  # "plugins.yml:12"
    tree: Tree = field(default_factory=lambda: Tree(_FILE), compare=False, repr=False)  # lines, for messages

    @property
    def full_name(self) -> str:
        """``errors.accounts_fnal``."""
        return f"{self.namespace}.{self.name}"


@dataclass(frozen=True)
class Config:
    """A plugins.yml in which nothing is wrong as far as it can be told without the plugins."""

    path: Path  # absolute
    house: HouseOptions
    plugins: tuple[PluginConfig, ...]  # in the order of the file
    checksum: str  # of the text, 12 hexadecimal digits
    text: str = field(default="", repr=False, compare=False)  # as it stood in the file; may hold secrets

    def of(self, namespace: str) -> list[PluginConfig]:
        return [plugin for plugin in self.plugins if plugin.namespace == namespace]


def find(explicit: str | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file to read: *explicit*, ``$WWT_CONFIG``, or plugins.yml in *cwd*; None when there is none.

    What somebody asked for by name is returned though it is not there: ``load`` says so.
    """
    if asked := explicit or environ.get("WWT_CONFIG"):
        return cwd / asked
    return cwd / _FILE if (cwd / _FILE).exists() else None


def default_text() -> str:
    """The shipped plugins.yml: it runs a made-up world. Raises ConfigError when it was not installed."""
    for path in _default_paths():
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise ConfigError(f"the shipped {_FILE} is not installed at {_SHARE}; install wwt-framework again")


def _default_paths() -> Iterator[Path]:
    above = Path(__file__).resolve().parents[1]
    if (above / "setup.py").is_file():  # in the tree, also by an editable install
        yield above / _FILE
    try:
        files = importlib.metadata.files("wwt-framework") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    yield from (Path(str(file.locate())) for file in files if file.as_posix().endswith(_SHARE))
    yield above / _SHARE  # pip install --target
    yield Path(sysconfig.get_path("data")) / _SHARE


def load(path: Path, environ: Mapping[str, str] = os.environ, text: str | None = None) -> Config:
    """Read and check *path*; raises ConfigError with every problem found.

    *text*: what stood in the file when it was taken up, to be read instead of what stands there now.
    """
    path = path.absolute()
    try:
        text = read_text(path) if text is None else text
    except ValueError as err:
        raise ConfigError(f"{path}: {err}") from None
    tree = read(text, path.name, path.parent)
    if tree.data is None and not tree.problems:
        raise ConfigError(f"{path}: is empty; `wwt serve` writes a default one where there is none")
    resolve(tree, environ)
    if not isinstance(tree.data, dict):
        if not tree.problems:
            tree.expected((), f"the blocks wwt, {', '.join(NAMESPACES)}", quote(tree.data))
        raise ConfigError(*tree.problems)
    house = _house(tree)
    plugins = tuple(_plugins(tree))
    if house is None or tree.problems:
        raise ConfigError(*sorted(tree.problems, key=_line))
    return Config(path, house, plugins, hashlib.sha256(text.encode()).hexdigest()[:12], text)


def fill(model: type[ModelT], plugin: PluginConfig) -> ModelT:
    """The options of *plugin*, checked against its ``Options``; raises ConfigError with every problem found."""
    base = (plugin.namespace, plugin.name)
    try:
        return model.model_validate(dict(plugin.options), context={"folder": plugin.tree.folder})
    except ValidationError as err:
        subject = Subject(model, plugin.options, plugin.tree, base, tuple(HouseKeys.model_fields))
        raise ConfigError(*sorted(explain(err, subject), key=_line)) from None


def _line(problem: str) -> int:
    match = re.match(r"[^:]*:(\d+):", problem)
    return int(match[1]) if match else 0


def _house(tree: Tree) -> HouseOptions | None:
    options = tree.data.get("wwt")
    if not isinstance(options, dict | None):
        tree.expected(("wwt",), "a mapping of the house's options", quote(options))
        return None
    try:
        return HouseOptions.model_validate(options or {}, context={"folder": tree.folder})
    except ValidationError as err:
        tree.problems += explain(err, Subject(HouseOptions, options, tree, ("wwt",)))
        return None


def _plugins(tree: Tree) -> Iterator[PluginConfig]:
    for namespace, block in tree.data.items():
        if namespace == "wwt":
            continue
        if namespace not in NAMESPACES:
            tree.problem((namespace,), unknown(namespace, ("wwt", *NAMESPACES), "block"))
        elif not isinstance(block, dict | None):
            tree.expected((namespace,), "plugins, each with its options ({} for none)", quote(block))
        else:
            for name, options in (block or {}).items():
                if plugin := _plugin(tree, namespace, name, options):
                    yield plugin


def _plugin(tree: Tree, namespace: str, name: str, block: Any) -> PluginConfig | None:
    keys = (namespace, name)
    if not _PLUGIN_NAME.fullmatch(name):
        tree.problem(keys, "expected a name of letters, digits, _ and -")
        return None
    if not isinstance(block, dict | None):
        tree.expected(keys, "options as a mapping ({} for none)", quote(block))
        return None
    asked, options = split_house_keys(block or {})
    try:
        house = HouseKeys.model_validate(asked)
    except ValidationError as err:
        tree.problems += explain(err, Subject(HouseKeys, asked, tree, keys))
        return None
    return PluginConfig(
        namespace=namespace,
        name=name,
        use=house.use or name,
        required=house.required,
        shadow=house.shadow,
        deadline_s=house.deadline_s,
        options=options,
        where=tree.where(keys),
        tree=tree,
    )
