"""docs/configuration.md, from the models that check plugins.yml: every option of the house and of every shipped plugin.

python docs/tools/configuration.py
"""

from __future__ import annotations

import importlib.metadata
import inspect
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import yaml
from pydantic.fields import FieldInfo

from wwt_framework.app import FIXED
from wwt_framework.options import HouseKeys, HouseOptions

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "configuration.md"

_NAMESPACES = {
    "errors": "where workflows, their errors and the states of sites come from",
    "clustering": "which workflows fail alike",
    "actions": "what can be asked for, what is recommended, what must not be",
    "ml": "what models expect",
    "auth": "who may sign in",
    "extras": "everything else",
}

_HEAD = """\
# Configuration

<!-- Made by `python docs/tools/configuration.py` from the models that check plugins.yml; do not edit. -->

One file, `plugins.yml`, says everything about an installation.
It is looked for at `--config FILE`, then `$WWT_CONFIG`, then `plugins.yml` in the working directory;
`wwt serve` writes the default one where there is none.

```yaml
wwt:                       # the house
  listen: 127.0.0.1:8080
  data_dir: /var/lib/wwt
errors:                    # six blocks of plugins, asked in the order in which they are listed
  json_file:
    path: /data/all_errors.json
  cms_names: {}
  cms_exit_codes: {}
auth:
  local: {}
```

- **Order is meaning**: the plugin listed first is asked first. One that is not listed is not even imported.
- **Nothing is guessed**: an unknown key or a value of the wrong kind is refused, with file, line and what was expected.
  `wwt check` says all of it at once.
- **Secrets stay out**: `{$env: NAME}` and `{$file: PATH}` can stand in the place of any value; neither is ever shown.
- **Relative paths** belong to the folder of `plugins.yml`; `~` is understood.
- **A change is taken up while running**, within a second. A change with a mistake is not taken up:
  what runs goes on, and `/plugins`, `/health` and the log say why.
- `wwt plugins` lists what is installed, `wwt plugins NAME` one plugin with its options and their values.
"""


def text() -> str:
    """The page."""
    fixed = ", ".join(f"`{key}`" for key in FIXED)
    lines = [_HEAD, "## The house: `wwt`", "", f"A change of {fixed} needs a restart; `/plugins` says so.", ""]
    lines += _table(HouseOptions)
    lines += ["## Every plugin", "", "Besides its own options each plugin takes these; it does not see them.", ""]
    lines += _table(HouseKeys)
    lines += ["`use` lists one plugin twice:", "", "```yaml", "errors:", "  this_week:", "    use: json_file"]
    lines += ["    path: /data/this_week.json", "  last_week:", "    use: json_file", "    path: /data/last_week.json"]
    lines += ["```", ""]
    for namespace, purpose in _NAMESPACES.items():
        lines += [f"## Plugins: `{namespace}`", "", f"{purpose[0].upper()}{purpose[1:]}.", ""]
        found = list(shipped(namespace))
        for name, plugin in found:
            lines += _plugin(namespace, name, plugin)
        lines += [] if found else ["No plugin of this kind is shipped yet.", ""]
    return "\n".join(lines)


def shipped(namespace: str) -> Iterator[tuple[str, Any]]:
    """Name and class of every plugin of *namespace* that comes with the framework."""
    points = importlib.metadata.entry_points(group=f"wwt.{namespace}")
    for point in sorted({(point.name, point.value) for point in points}):
        if point[1].startswith("wwt_plugins."):
            yield point[0], importlib.metadata.EntryPoint(*point, f"wwt.{namespace}").load()


def options(model: type[pydantic.BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Dotted name and field of every option, those of nested models after the one that holds them."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key, field
        inner, many = _model(field.annotation)
        if inner:
            yield from options(inner, f"{key}[]." if many else f"{key}.")


def _plugin(namespace: str, name: str, plugin: Any) -> list[str]:
    lines = [f"### `{namespace}.{name}`", "", inspect.cleandoc(plugin.__doc__ or ""), ""]
    model = getattr(plugin, "Options", None)
    if model is None or not model.model_fields:
        return [*lines, "No options.", ""]
    return [*lines, *_table(model)]


def _table(model: type[pydantic.BaseModel]) -> list[str]:
    lines = ["| option | kind | default | meaning |", "|---|---|---|---|"]
    long: list[str] = []
    for name, field in options(model):
        default = _default(field)
        if len(default) > 80:
            long += [f"Default of `{name}`:", "", "```yaml", _yaml(field.get_default(call_default_factory=True)), "```"]
            long.append("")
            default = "below"
        cells = [f"`{name}`", _kind(field), default, _cell(field.description or "")]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", *long]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None or value == "" or isinstance(value, pydantic.BaseModel):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> Any:
    if isinstance(value, pydantic.BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (int, float)) else str(value)


def _yaml(value: Any) -> str:
    return yaml.safe_dump(_plain(value), sort_keys=False, allow_unicode=True, width=120).rstrip()


_KINDS = {int: "integer", float: "number", str: "text", bool: "true or false", Path: "path"}
_BOUNDS = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}


def _kind(field: FieldInfo) -> str:
    inner, many = _model(field.annotation)
    words = ("list of mappings" if many else "mapping") if inner else _word(field.annotation)
    bounds = [
        said.format(f"{value:,}" if isinstance(value, int) and value < 2**32 else value)
        for item in field.metadata
        for name, said in _BOUNDS.items()
        if (value := getattr(item, name, None)) is not None
    ]
    return ", ".join([words, *bounds])


def _word(annotation: Any) -> str:
    kind = _bare(annotation)
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(kind))
    if typing.get_origin(kind) in (list, tuple, set, frozenset):
        return f"list of {_word(typing.get_args(kind)[0])}"
    if typing.get_origin(kind) is dict:
        return "mapping"
    return _KINDS.get(kind, getattr(kind, "__name__", str(kind)))


def _bare(annotation: Any) -> Any:
    """*annotation* without None and without what checks it."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        (annotation,) = (part for part in typing.get_args(annotation) if part is not type(None))
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation


def _model(annotation: Any) -> tuple[type[pydantic.BaseModel] | None, bool]:
    """The model that *annotation* holds, and whether it holds many."""
    kind = _bare(annotation)
    if inspect.isclass(kind) and issubclass(kind, pydantic.BaseModel):
        return kind, False
    if typing.get_origin(kind) in (list, tuple):
        return _model(typing.get_args(kind)[0])[0], True
    return None, False


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
