"""A log store outside, asked over HTTP as Elasticsearch and OpenSearch are; what it says wrong is told in words."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from wwt_framework.errors import SourceError
from wwt_framework.model import LogHits, LogQuestion
from wwt_framework.testing.contracts import PluginContract
from wwt_plugins.errors.log_store import escaped, question, read

PLUGIN = "errors.log_store"
NOON = datetime(2019, 5, 1, 12, tzinfo=timezone.utc)
META = "level:critical\n\nid: HIG-1\n\nin:/a/b/RAW\n\npu:\n\nout:/c/d/AOD\n\nwf_a"
DOCUMENT = {
    "author": "cmst2", "subject": "assignor", "text": "wf_a can not be assigned", "meta": META,
    "timestamp": int(NOON.timestamp()), "date": "Wed May  1 12:00:00 2019",
}  # fmt: skip


def answer_of(*documents: Any, total: Any = None) -> dict[str, Any]:
    hits = [{"_index": "logs", "_id": str(i), "_score": None, "_source": one} for i, one in enumerate(documents)]
    return {"took": 3, "timed_out": False, "hits": {"total": len(hits) if total is None else total, "hits": hits}}


class Store(ThreadingHTTPServer):
    """Speaks search answers; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        self.body = json.dumps(answer_of(DOCUMENT)).encode()
        self.hold = threading.Event()
        self.hold.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/es/unified-logs/_doc"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        store: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        store.asked.append((self.path, dict(self.headers), json.loads(body)))
        store.hold.wait(60)
        self.send_response(store.status)
        self.send_header("Content-Length", str(len(store.body)))
        self.end_headers()
        self.wfile.write(store.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.hold.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def search(store: Store, wwt_plugin: Callable[..., Any]) -> Callable[..., LogHits]:
    def ask(options: dict[str, Any] | None = None, **asked: Any) -> LogHits:
        it = wwt_plugin(PLUGIN, url=store.url, **(options or {}))
        found = it.ask("search_logs", asked=LogQuestion(**asked))
        assert isinstance(found, LogHits)
        return found

    return ask


class TestLogStore(PluginContract):
    plugin = PLUGIN
    options: ClassVar[dict[str, Any]] = {"url": "http://127.0.0.1:9/logs"}


def test_o1_entries_of_the_store_are_told_with_subject_date_text_and_meta(search: Any) -> None:
    (hit,) = search(words=("wf_a",)).hits

    assert (hit.subject, hit.text, hit.author, hit.meta) == ("assignor", "wf_a can not be assigned", "cmst2", META)
    assert hit.at == NOON


def test_o1_the_store_is_asked_in_its_words(search: Any, store: Store) -> None:
    search({"user": "wwt", "password": "s3cret"}, words=("wf_a", "a*b"), module="assi", since=NOON, until=NOON, limit=7)
    ((path, headers, body),) = store.asked

    assert path == "/es/unified-logs/_doc/_search"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"wwt:s3cret").decode()
    assert (body["size"], body["sort"]) == (7, [{"timestamp": "desc"}])
    assert body["query"]["bool"]["must"] == [
        {"bool": {"should": [{"wildcard": {"meta": "*wf_a*"}}, {"wildcard": {"text": "*wf_a*"}}], "minimum_should_match": 1}},
        {"bool": {"should": [{"wildcard": {"meta": "*a\\*b*"}}, {"wildcard": {"text": "*a\\*b*"}}], "minimum_should_match": 1}},
        {"wildcard": {"subject": "*assi*"}},
        {"range": {"timestamp": {"gte": 1556712000, "lt": 1556712000}}},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("total", "found"),
    [(3, 3), ({"value": 3, "relation": "eq"}, 3), ({"value": 10000, "relation": "gte"}, None), ("x", None)],
)
def test_o1_how_many_there_are_is_read_from_old_and_new_stores(total: Any, found: int | None) -> None:
    assert read(answer_of(DOCUMENT, total=total), True)[1] == found


def test_o1_what_the_store_does_not_know_is_looked_for_as_a_word_and_said(search: Any, store: Store) -> None:
    found = search(exit_code=8028, site="T1_US_FNAL")

    assert "exit codes and sites" in found.note
    assert "*8028*" in json.dumps(store.asked[0][2])


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"{}", "expected an answer with status 200, got 500"),
        (401, b"{}", "got 401"),
        (302, b"", "got 302"),
        (200, b"<html>down</html>", "expected JSON, got"),
        (200, b'{"error": {"type": "index_not_found"}}', "index_not_found"),
        (200, b'{"hits": {"hits": 5}}', "expected {hits: {hits: [...]}}"),
        (200, b"[]", "expected {hits: {hits: [...]}}"),
    ],
)
def test_o1_store_that_answers_wrong_is_a_failure_in_words(
    search: Any, store: Store, status: int, body: bytes, why: str
) -> None:
    store.status, store.body = status, body

    with pytest.raises(SourceError) as caught:
        search(words=("x",))
    assert why in str(caught.value)


def test_o1_store_that_is_not_there_is_a_failure_without_its_password(wwt_plugin: Any) -> None:
    it = wwt_plugin(PLUGIN, url="http://127.0.0.1:9/logs", user="wwt", password="s3cret")

    health = it.ask("report_health")

    assert not health.ok
    assert health.text.startswith("http://127.0.0.1:9/logs/_search: does not answer")
    assert "s3cret" not in health.text


def test_o1_store_that_is_late_is_given_up(search: Any, store: Store) -> None:
    store.hold.clear()

    with pytest.raises(SourceError, match="does not answer"):
        search({"timeout_s": 0.2}, words=("x",))


@pytest.mark.parametrize("stamp", [None, "x", 1e300, float("inf"), [], "1556712000"])
def test_o1_entry_whose_time_can_not_be_read_is_told_without(stamp: Any) -> None:
    hits, _ = read(answer_of({**DOCUMENT, "timestamp": stamp}), True)

    assert [hit.at for hit in hits] == [NOON if stamp == "1556712000" else None]


def test_o1_odd_documents_are_taken_as_far_as_they_go() -> None:
    told = answer_of({"text": None}, {"text": ["a"], "subject": 5}, {})
    told["hits"]["hits"] += ["x", {"_source": None}, None]

    assert [(hit.text, hit.subject) for hit in read(told, True)[0]] == [("", ""), ("['a']", "5"), ("", "")]


def test_o1_milliseconds_are_understood() -> None:
    body = question(LogQuestion(since=NOON), seconds=False)

    assert body["query"]["bool"]["must"] == [{"range": {"timestamp": {"gte": 1556712000000}}}]
    assert read(answer_of({**DOCUMENT, "timestamp": 1556712000000}), False)[0][0].at == NOON


@pytest.mark.parametrize("url", ["ftp://x/y", "https://a b/c", "https://u:p@host/x", "https://host/x?q=1", "host/logs"])
def test_o1_address_that_can_not_be_one_is_refused(wwt_plugin: Any, url: str) -> None:
    with pytest.raises(Exception, match="expected https://HOST/INDEX"):
        wwt_plugin(PLUGIN, url=url)


def test_o1_wildcards_of_people_mean_themselves() -> None:
    assert escaped("a?b\\c*") == "a\\?b\\\\c\\*"
