"""docs/procedures.md, from the models that check procedures and from the shipped ones.

python docs/tools/procedures.py
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic

from wwt_plugins.actions.procedures import SHIPPED
from wwt_plugins.actions.procedures.library import Folder, Shelf
from wwt_plugins.actions.procedures.schema import Action, Example, Expression, Head, Procedure, When
from wwt_plugins.actions.procedures.table import as_markdown

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "procedures.md"
_MARK = "<!-- made by docs/tools/procedures.py: {} -->"

_KEYS: tuple[tuple[str, type[pydantic.BaseModel]], ...] = (
    ("keys of a file", Head), ("keys of a procedure", Procedure), ("keys of look_for", Expression), ("keys of when", When),
    ("keys of action", Action), ("keys of examples", Example),
)  # fmt: skip


def text() -> str:
    """The page: its own words stay, what stands between marks is made anew."""
    page = PAGE.read_text(encoding="utf-8")
    library = Shelf([Folder(SHIPPED, shipped=True)]).library()
    made = {name: "\n".join(_keys(model)) for name, model in _KEYS}
    made["all procedures"] = as_markdown(library).rstrip()
    for name, block in made.items():
        mark = _MARK.format(name)
        begin, end = re.escape(mark), re.escape("<!-- end -->")
        page, found = re.subn(f"{begin}.*?{end}", lambda _: f"{mark}\n\n{block}\n\n<!-- end -->", page, flags=re.DOTALL)  # noqa: B023  # called at once
        if found != 1:
            raise SystemExit(f"{PAGE}: expected one place '{mark}', found {found}")
    return page


def _keys(model: type[pydantic.BaseModel]) -> Iterator[str]:
    yield "| key | what it is | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        meaning = (field.description or "").replace("|", "\\|").replace("<", "&lt;")
        yield f"| `{name}` | {_kind(field.annotation)} | {_default(field)} | {meaning} |"


def _kind(annotation: Any) -> str:
    while typing.get_origin(annotation) in (typing.Annotated, typing.Union, types.UnionType):
        inner = [part for part in typing.get_args(annotation) if part is not type(None)]
        annotation = inner[0] if inner else annotation
    if typing.get_origin(annotation) is tuple:
        return f"{_kind(typing.get_args(annotation)[0])}, one or a list"
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(annotation))
    names = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "date": "date"}
    return names.get(getattr(annotation, "__name__", ""), "mapping")


def _default(field: Any) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value in (None, "", (), {}) or isinstance(value, pydantic.BaseModel):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
