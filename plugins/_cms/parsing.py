"""JSON from bytes that somebody else wrote: what is wrong with it is said with its place."""

from __future__ import annotations

import codecs
import gc
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from wwt_framework.errors import SourceError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Doubled(dict[str, Any]):
    """An object of JSON in which keys came more than once: without those, and with their names."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        times = Counter(key for key, _ in pairs)
        super().__init__((key, value) for key, value in pairs if times[key] == 1)
        self.again = {key: n for key, n in times.items() if n > 1}


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep Python from looking for cycles among millions of new objects that have none: a third of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def parse(data: bytes, where: str) -> Any:
    """The value in *data*, quickly; of keys that come twice the last one is kept, as JSON parsers do.

    Numbers that JSON does not have (NaN, Infinity) are read as such. Raises SourceError.
    """
    data = plain_text(data, where)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        try:
            return parse_carefully(data, where)
        except SourceError:
            raise SourceError(_complaint(data, where, error)) from error


def parse_carefully(data: bytes, where: str) -> Any:
    """The value in *data*, slowly: an object with keys that come twice is a ``Doubled``. Raises SourceError."""
    try:
        return json.loads(plain_text(data, where), object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise SourceError(f"{where} is not JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{where} is not UTF-8 at byte {error.start:,}") from error
    except RecursionError as error:
        raise SourceError(f"{where} nests deeper than any errors file does") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Doubled(pairs)


def _integer(digits: str) -> int | float:
    # Python refuses to read thousands of digits; what is that long is too large for us anyway.
    return int(digits) if len(digits) < 30 else float(digits)


def whole_number(value: Any) -> int | None:
    """A whole number of at most 12 digits, written as such, as text or as 7.0 (all occur); None for anything else."""
    if isinstance(value, str) and value.isascii() and len(value) <= 12 and value.strip().isdecimal():
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**12:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**12 else None


def plain_text(data: bytes, where: str, expected: str = "JSON") -> bytes:
    """*data* without the mark that some editors put in front. Raises SourceError when it is no UTF-8 text at all."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.startswith(_UTF16) or b"\0" in data[:4]:
        raise SourceError(f"{where} is UTF-16 or binary; expected {expected} in UTF-8")
    if not data.strip():
        raise SourceError(f"{where} is empty; expected {expected}")
    if data.lstrip()[:1] == b"<":
        raise SourceError(f"{where} holds a page of HTML or XML, perhaps of a sign-in; expected {expected}")
    return data


def _complaint(data: bytes, where: str, error: orjson.JSONDecodeError) -> str:
    if error.pos >= len(data.decode("utf-8", "replace").rstrip()):
        return f"{where} ends too early, after {len(data):,} bytes; it may be half-written"
    return f"{where} is not JSON: {error.msg} at line {error.lineno:,}, column {error.colno:,}"


def shown(value: Any, longest: int = 60) -> str:
    """A value of JSON or of a database as it may stand in a message: short, on one line."""
    if isinstance(value, dict):
        return f"an object of {len(value):,}"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    if isinstance(value, str):
        return shown_text(value, longest)
    if isinstance(value, bytes):  # of a database
        return "bytes"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return "a number of very many digits"
    return str(json.dumps(value))


def shown_text(text: str, longest: int = 60) -> str:
    """*text* in quotes; cut, with its length, when it is long."""
    cut = text[:longest]
    mark = f"… ({len(text):,} characters)" if len(text) > longest else ""
    return f"{cut!r}{mark}"


def shown_key(text: str, longest: int = 400) -> str:
    """A key in a path: as it stands when it can be printed, else escaped; cut when it is long."""
    cut = text[:longest]
    mark = f"… ({len(text):,} characters)" if len(text) > longest else ""
    return f"{cut if cut.isprintable() and cut else ascii(cut)}{mark}"
