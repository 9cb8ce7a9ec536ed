"""Reading what was posted, and writing tables for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from wwt_framework.plugin import Field, Reply

#: What a page with a table reads of the address.
FORMAT = Field("format", "format", "choice", ("json", "csv"), required=True)


def one(posted: Mapping[str, str | list[str]], name: str) -> str:
    """The value called *name*; "" without one, the last of several."""
    value = posted.get(name, "")
    return value[-1] if isinstance(value, list) else value


def within(address: str | list[str]) -> str:
    """*address* when it is one of this installation, else the start: nobody is sent elsewhere by a link."""
    inside = isinstance(address, str) and re.fullmatch(r"/(?![/\\])[^\x00-\x20\x7f\\]*", address)
    return str(address) if inside else "/"


def table(columns: Collection[str], rows: Iterable[Sequence[Any]], wanted: str, name: str) -> Reply:
    """A table as JSON (a list of objects), or else as CSV; see `FORMAT`. Spreadsheets calculate what begins with = + - @: a quote goes before."""
    if wanted == "json":
        return Reply(json=[dict(zip(columns, row, strict=True)) for row in rows])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Reply(
        body=out.getvalue().encode("utf-8", "replace"), content_type="text/csv; charset=utf-8", headers=headers
    )


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = " ".join(map(str, value))
    return "'" + value if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
