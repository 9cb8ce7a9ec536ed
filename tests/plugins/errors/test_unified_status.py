"""Which workflows wait for an operator, from Unified's file, from its address, from its database."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from wwt_framework.errors import PluginError, SourceError
from wwt_framework.model import Workflow, Workflows
from wwt_framework.testing import ErrorSourceContract
from wwt_framework.testing.certificates import Authority
from wwt_framework.testing.grid_services import Given, GridServices
from wwt_framework.testing.running import Running
from wwt_plugins.errors.unified_oracle import read_rows

TOLD = {
    "waits": ["assistance-manual", "completed"],
    "waits_longer": ["assistance-manual-recovered", "running-closed"],
    "on_its_own": ["assistance-recovering", "completed"],
}
WAITING = [
    Workflow("waits", status="completed", assistance="assistance-manual"),
    Workflow("waits_longer", status="running-closed", assistance="assistance-manual-recovered"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "statuses.json"
    path.write_text(json.dumps(TOLD))
    return path


@pytest.fixture
def source(wwt_plugin: Any, file: Path) -> Any:
    return wwt_plugin("errors.unified_status", path=str(file))


class TestContract(ErrorSourceContract):
    plugin = "errors.unified_status"

    def make_options(self, folder: Path) -> dict[str, Any]:
        self.file = folder / "statuses.json"
        self.file.write_text(json.dumps(TOLD))
        return {"path": str(self.file)}

    def break_source(self, it: Running) -> None:
        self.file.write_text(json.dumps(TOLD)[:-9])


# -- what it tells --


def test_d_a_workflows_with_manual_in_a_status_are_listed(source: Running) -> None:
    assert list(source.ask("list_workflows")) == WAITING


def test_d_a_the_file_is_read_again_at_every_refresh(source: Running, file: Path) -> None:
    source.ask("list_workflows")
    file.write_text(json.dumps({"another": ["assistance-filemismatch-manual"]}))

    assert [workflow.name for workflow in source.ask("list_workflows")] == ["another"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("completed", "expected a list of statuses, got 'completed'"),
        ([1], "expected a list of statuses, got a list of 1"),
    ],
)
def test_an_entry_that_can_not_be_read_is_named_and_the_rest_is_told(
    source: Running, file: Path, entry: Any, why: str
) -> None:
    file.write_text(json.dumps({**TOLD, "odd": entry}))

    told = source.ask("list_workflows")

    assert list(told) == WAITING
    assert [(r.path, r.why, r.workflow) for r in told.rejected] == [("odd", why, "odd")]


def test_a_workflow_that_comes_twice_is_named(source: Running, file: Path) -> None:
    file.write_text('{"waits": ["assistance-manual"], "twice": ["assistance-manual"], "twice": ["completed"]}')

    told = source.ask("list_workflows")

    assert [workflow.name for workflow in told] == ["waits"]
    assert [(r.workflow, r.why) for r in told.rejected] == [("twice", "comes 2 times; expected once")]


@pytest.mark.parametrize(
    "text", ["{}", "[]", "", "null", "<html>Sign in</html>", '{"a": 1}', '{"/a/b": {"85": {"s": 1}}}']
)
def test_what_a_failing_service_sends_is_no_empty_list(source: Running, file: Path, text: str) -> None:
    file.write_text(text)

    with pytest.raises(SourceError, match=r"statuses\.json"):
        source.ask("list_workflows")


def test_nobody_waits_where_that_may_be(wwt_plugin: Any, file: Path) -> None:
    file.write_text(json.dumps({"a": ["completed"]}))
    source = wwt_plugin("errors.unified_status", path=str(file), may_be_empty=True)

    assert list(source.ask("list_workflows")) == []


# -- by an address --


class _Unified(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Bearer made-up-token"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(json.dumps(TOLD).encode() if known else b"")

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def unified() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Unified) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/statuses.json"
        server.shutdown()
        thread.join()


def test_a_token_is_shown_to_the_server(wwt_plugin: Any, unified: str) -> None:
    source = wwt_plugin("errors.unified_status", path=unified, token="made-up-token")

    assert list(source.ask("list_workflows")) == WAITING


def test_without_the_token_the_answer_is_named(wwt_plugin: Any, unified: str) -> None:
    source = wwt_plugin("errors.unified_status", path=unified)

    with pytest.raises(SourceError, match="answered 401"):
        source.ask("list_workflows")


def test_a_token_is_not_sent_in_the_clear(wwt_plugin: Any) -> None:
    with pytest.raises(PluginError, match="only sent by HTTPS"):
        wwt_plugin("errors.unified_status", path="http://unified.example.org/statuses.json", token="made-up-token")


def test_a_token_with_a_line_break_is_refused_without_being_told(wwt_plugin: Any) -> None:
    with pytest.raises(PluginError, match="expected one word") as refused:
        wwt_plugin("errors.unified_status", path="https://unified.example.org/x", token="made-up\ntoken")

    assert "made-up" not in str(refused.value)


def test_it_is_asked_over_https_with_a_grid_certificate(wwt_plugin: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "certificates")
    with GridServices(Given({"/cms-unified/statuses.json": TOLD}), authority).open() as services:
        source = wwt_plugin(
            "errors.unified_status", path=f"{services.url}/cms-unified/statuses.json",
            certificate=str(authority.person("olga")), ca=str(authority.path),
        )  # fmt: skip

        assert list(source.ask("list_workflows")) == WAITING


# -- by its database --


def test_d_a_rows_of_the_database_are_workflows_that_wait() -> None:
    told = read_rows([("waits", "assistance-manual"), (None, "assistance-manual"), ("odd", None), ("waits", "again")])

    assert list(told) == [Workflow("waits", assistance="assistance-manual")]
    assert [(r.path, r.why, r.workflow) for r in told.rejected] == [
        ("row 2", "expected the name of a workflow, got null", ""),
        ("row 3", "expected a status, got null", "odd"),
    ]


ACCOUNT = {"user": "reader", "password": "not-told", "dsn": "127.0.0.1:1/unified"}


def test_a_database_that_does_not_answer_is_named_without_the_password(wwt_plugin: Any) -> None:
    source = wwt_plugin("errors.unified_oracle", **ACCOUNT)

    with pytest.raises(SourceError, match=r"the database 127\.0\.0\.1:1/unified: .*cannot connect") as refused:
        source.ask("list_workflows")

    assert "not-told" not in str(refused.value)
    assert not source.ask("report_health").ok


def test_without_its_driver_it_says_what_to_install(wwt_plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = wwt_plugin("errors.unified_oracle", **ACCOUNT)
    monkeypatch.setitem(sys.modules, "oracledb", None)

    with pytest.raises(SourceError, match=r"pip install \"wwt-framework\[oracle\]\""):
        source.ask("list_workflows")


def test_what_the_database_tells_is_an_answer_of_its_own_kind() -> None:
    assert isinstance(read_rows([]), Workflows)
