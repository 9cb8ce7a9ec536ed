"""What a page handler returns, and how it is sent: JSON, tables, compression, 304."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from wwt_framework.web.exchange import Refused, current_exchange

HTML = "text/html; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
CSV = "text/csv; charset=utf-8"

SMALL = 1_000  # bytes; below this compression costs more than it saves

_COMPRESSIBLE = re.compile(r"text/|application/(json|javascript|xml)|image/svg")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Response:
    """A finished answer. Headers that every answer carries are added on the way out."""

    body: bytes
    content_type: str = HTML
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterable[bytes] | None = None  # sent in the place of ``body``, part by part, as it is made


def as_json(value: Any, status: int = 200, **headers: str) -> Response:
    """*value* as JSON. Dataclasses, datetimes, numpy arrays, sets and mappings are understood."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    try:
        body = orjson.dumps(value, default=_plain, option=options)
    except TypeError:  # half of a surrogate pair, or a number beyond 64 bits: what was posted, told back
        body = json.dumps(value, default=_plain, allow_nan=False).encode()
    return Response(body, JSON, status, named)


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    if hasattr(value, "item"):  # a numpy scalar
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def as_text(text: str, status: int = 200) -> Response:
    return Response(text.encode("utf-8", "replace"), TEXT, status)


def redirect(path: str, status: int = 303, /, **query: Any) -> Response:
    """Somewhere else within the installation; 303 after a change, 302 for a page that has moved."""
    address = current_exchange().url(path, **query)
    return Response(b"", TEXT, status, {"Location": address})


def table_response(
    columns: Collection[str],
    rows: Iterable[Sequence[Any]],
    format: str,  # noqa: A002  # as in ?format=
    name: str = "table",
) -> Response:
    """A table as JSON (a list of objects) or CSV. Raises `Refused` for another format.

    Spreadsheets calculate what begins with = + - @: such texts get a quote before them; numbers stay.
    """
    if format == "json":
        return as_json([dict(zip(columns, row, strict=True)) for row in rows])
    if format != "csv":
        raise Refused(400, f"format can be json or csv, not {format!r}.")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(column) for column in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80] or "table"
    disposition = f'attachment; filename="{safe}.csv"'
    return Response(out.getvalue().encode("utf-8", "replace"), CSV, headers={"Content-Disposition": disposition})


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        value = " ".join(map(str, value))
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value


def tagged(response: Response, tag: str = "") -> Response:
    """*response* with an ETag: *tag*, or else made from the body."""
    if response.status != 200 or "ETag" in response.headers:
        return response
    tag = tag or weak_tag(response.body, response.content_type)
    return replace(response, headers={**response.headers, "ETag": tag})


def weak_tag(*parts: str | bytes) -> str:
    """A weak ETag of *parts*; weak, because the same answer is sent compressed and not."""
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return f'W/"{digest.hexdigest()}"'


def matches(tag: str, if_none_match: str) -> bool:
    """Whether the client already has what *tag* names. Weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match.strip() == "*":
        return True
    wanted = tag.removeprefix("W/")
    return any(offered.strip().removeprefix("W/") == wanted for offered in if_none_match.split(","))


def not_modified(response: Response) -> Response:
    kept = {name: value for name, value in response.headers.items() if name in ("ETag", "Cache-Control", "Vary")}
    return Response(b"", response.content_type, 304, kept)


def compressed(response: Response, accept_encoding: str) -> Response:
    """*response* packed with gzip where the client takes it and it is worth it."""
    if len(response.body) < SMALL or "Content-Encoding" in response.headers:
        return response
    if not _COMPRESSIBLE.match(response.content_type):
        return response
    varied = {
        **response.headers,
        "Vary": ", ".join(filter(None, [response.headers.get("Vary", ""), "Accept-Encoding"])),
    }
    if not takes_gzip(accept_encoding):
        return replace(response, headers=varied)
    body = gzip.compress(response.body, compresslevel=4, mtime=0)
    return replace(response, body=body, headers={**varied, "Content-Encoding": "gzip"})


def takes_gzip(accept_encoding: str) -> bool:
    """Whether *accept_encoding* names gzip and does not weigh it with nothing."""
    for offer in accept_encoding.lower().split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip() in ("gzip", "*"):
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
    return False
