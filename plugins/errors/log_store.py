"""Logs in an Elasticsearch or OpenSearch store, such as Unified's, beside those of failed jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import orjson
import requests
from pydantic import Field, SecretStr, field_validator, model_validator

from wwt_framework import hookimpl
from wwt_framework.errors import SourceError
from wwt_framework.model import LogHit, LogHits, LogQuestion
from wwt_framework.options import ConfigPath, PluginOptions
from wwt_framework.plugin import Health, PluginContext

#: Bytes of an answer that are read; a store that sends more is not believed.
_MOST = 64 << 20
#: Characters of a field that are kept.
_LONGEST = 100_000
_SOURCE = ("author", "subject", "text", "meta", "timestamp", "date", "level")


class LogStore:
    """Search a log store outside by its ``_search``: documents with subject, text, meta and timestamp.

    Words are looked for in meta and text, as the older console and Unified's own page do.
    """

    class Options(PluginOptions):
        url: str = Field(description="address of the index, e.g. https://es.example.org/es/unified-logs/_doc")
        user: str = Field("", description="user name, where the store wants one")
        password: SecretStr | None = Field(None, description="its password; best {$file: PATH} or {$env: NAME}")
        ca: ConfigPath | None = Field(
            None, description="file or folder of the authorities that sign the server's certificate"
        )
        timeout_s: float = Field(8, gt=0, le=60, description="seconds after which the store counts as dead")
        seconds: bool = Field(True, description="timestamps are seconds since 1970; false: milliseconds")

        @field_validator("url")
        @classmethod
        def _is_http(cls, url: str) -> str:
            if not url.startswith(("http://", "https://")) or any(c in url for c in " ?#@"):
                raise ValueError(f"expected https://HOST/INDEX without user, query or blanks, got {url[:60]!r}")
            return url.rstrip("/")

        @model_validator(mode="after")
        def _whole(self) -> LogStore.Options:
            if bool(self.user) != (self.password is not None):
                raise ValueError("user and password belong together")
            return self

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        self._options = context.options

    @hookimpl
    def search_logs(self, asked: LogQuestion) -> LogHits:
        """The newest entries with all words. Raises `SourceError` when the store does not answer, or not in its form."""
        told = self._ask({"size": asked.limit, **question(asked, self._options.seconds)})
        hits, total = read(told, self._options.seconds)
        ignored = [name for name, value in (("exit codes", asked.exit_code), ("sites", asked.site)) if value]
        note = (
            f"This store can not be asked for {' and '.join(ignored)}: they were looked for as words."
            if ignored
            else ""
        )
        return LogHits(tuple(hits[: asked.limit]), total, note)

    @hookimpl
    def report_health(self) -> Health:
        try:
            _, total = read(self._ask({"size": 0, "query": {"match_all": {}}}), self._options.seconds)
        except SourceError as err:
            return Health(False, str(err))
        return Health(True, f"{self._options.url} answers{'' if total is None else f', it has {total:,} entries'}")

    def _ask(self, body: Mapping[str, Any]) -> Any:
        options = self._options
        where = f"{options.url}/_search"
        auth = (options.user, options.password.get_secret_value()) if options.password else None
        try:
            with self._context.http.post(
                where, data=orjson.dumps(body), auth=auth, timeout=(3, options.timeout_s), stream=True, allow_redirects=False,
                headers={"Content-Type": "application/json"}, verify=str(options.ca) if options.ca else True,
            ) as answer:  # fmt: skip
                if answer.status_code != 200:
                    raise SourceError(f"{where}: expected an answer with status 200, got {answer.status_code}")
                data = answer.raw.read(_MOST + 1, decode_content=True)
        except (requests.RequestException, OSError) as err:
            raise SourceError(f"{where}: does not answer: {type(err).__name__}") from err
        if len(data) > _MOST:
            raise SourceError(f"{where}: the answer is larger than {_MOST >> 20} MB; lower the limit")
        try:
            return orjson.loads(data)
        except ValueError as err:
            raise SourceError(f"{where}: expected JSON, got {data[:60]!r}") from err


def question(asked: LogQuestion, seconds: bool) -> dict[str, Any]:
    """The body of ``_search``: every word in meta or text, the subject, a span of time; the newest first."""
    words = [*asked.words, asked.workflow, asked.site, "" if asked.exit_code is None else str(asked.exit_code)]
    must: list[dict[str, Any]] = [
        {"bool": {"should": [{"wildcard": {field: f"*{escaped(word)}*"}} for field in ("meta", "text")], "minimum_should_match": 1}}
        for word in words
        if word
    ]  # fmt: skip
    if asked.module:
        must.append({"wildcard": {"subject": f"*{escaped(asked.module)}*"}})
    span = {"gte": _stamp(asked.since, seconds), "lt": _stamp(asked.until, seconds)}
    if told := {name: at for name, at in span.items() if at is not None}:
        must.append({"range": {"timestamp": told}})
    return {"query": {"bool": {"must": must}}, "sort": [{"timestamp": "desc"}], "_source": list(_SOURCE)}


def escaped(word: str) -> str:
    r"""*word* as a wildcard query takes it: its own stars mean stars.

    >>> escaped("a*b")
    'a\\*b'
    """
    return "".join(f"\\{c}" if c in "*?\\" else c for c in word)


def read(told: Any, seconds: bool) -> tuple[list[LogHit], int | None]:
    """Entries and how many there are. Raises `SourceError` when *told* has not the form of a search answer.

    ``total`` is a number in older stores, and ``{"value": n, "relation": "eq" | "gte"}`` in newer ones.
    """
    outer = told.get("hits") if isinstance(told, Mapping) else None
    hits = outer.get("hits") if isinstance(outer, Mapping) else None
    if not isinstance(outer, Mapping) or not isinstance(hits, list):
        why = told.get("error") if isinstance(told, Mapping) else None
        raise SourceError(f"expected {{hits: {{hits: [...]}}}}, got {str(why or told)[:200]!r}")
    total = outer.get("total")
    if isinstance(total, Mapping):
        total = total.get("value") if total.get("relation", "eq") == "eq" else None
    found = [
        _hit(one["_source"], seconds)
        for one in hits
        if isinstance(one, Mapping) and isinstance(one.get("_source"), Mapping)
    ]
    return found, total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None


def _hit(source: Mapping[str, Any], seconds: bool) -> LogHit:
    words = {name: str(source.get(name) or "")[:_LONGEST] for name in ("text", "subject", "meta", "author", "level")}
    return LogHit(at=_moment(source.get("timestamp"), seconds), **words)


def _stamp(when: datetime | None, seconds: bool) -> int | None:
    return None if when is None else int(when.timestamp() * (1 if seconds else 1000))


def _moment(stamp: Any, seconds: bool) -> datetime | None:
    """A time that can not be read is not known: the entry is there all the same."""
    try:
        return datetime.fromtimestamp(float(stamp) / (1 if seconds else 1000), timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
