"""How values are kept, the same on SQLite and PostgreSQL: text, times, JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from peewee import BigIntegerField, TextField

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def storable(text: str) -> str:
    """*text* as both databases can keep it: what is no Unicode character, and NUL, become U+FFFD.

    PostgreSQL refuses NUL, both refuse half of a surrogate pair, and texts come from outside.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


class Words(TextField):
    """Text of any length."""

    def db_value(self, value: str | None) -> str | None:
        return None if value is None else storable(value)


class Moment(BigIntegerField):
    """A time in UTC, kept as microseconds since 1970: exact, sortable, without a zone to forget.

    In a shell: ``select datetime(at / 1000000, 'unixepoch')``.
    """

    def db_value(self, value: datetime | None) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class Json(TextField):
    """Plain data as JSON text. ASCII only, so that any string survives, NUL and half surrogates among them."""

    def db_value(self, value: Any) -> str:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def python_value(self, value: str) -> Any:
        if value == "{}":  # most are, and thousands are read at once
            return {}
        return [] if value == "[]" else json.loads(value)
