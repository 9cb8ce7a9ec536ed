"""The made-up Unified: reads documents with all their oddities, acts once, reports, survives restarts of the console."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest

from wwt_framework.errors import SourceError
from wwt_plugins.errors.world.acts import Act, read_acts
from wwt_plugins.errors.world.client import Console, Executor, read_key
from wwt_plugins.errors.world.client_reading import read

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
TASK = "TOP-RunIISummer15wmLHEGS-00398_0"


def acdc(**parameters):
    return {"Action": "acdc", "Parameters": {TASK: {"sites": ["T1_DE_KIT"], **parameters}}, "user": "olga", "ACDCs": []}


# -- how documents are read ----------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({}, {}),
        ({"memory": "", "xrootd": "", "secondary": "", "cores": ""}, {}),
        ({"memory": "Same", "splitting": "Same"}, {}),
        ({"memory": 12000}, {"memory": 12000}),
        ({"memory": "12000"}, {"memory": 12000}),
        ({"memory": "12gb"}, {"memory": 12 * 1024}),
        ({"memory": "9000kb"}, {"memory": 9000}),
        ({"mem": 4000}, {"memory": 4000}),
        ({"splitting": "10x"}, {"splitting": "10x"}),
        ({"splitting": "max"}, {"splitting": "max"}),
        ({"splitting": ""}, {"splitting": "2x"}),
        ({"xrootd": "enabled", "secondary": "disabled"}, {"xrootd": "enabled", "secondary": "disabled"}),
        ({"multicore": 8, "cores": "8"}, {"multicore": 8}),
        ({"cores": "8"}, {}),
    ],
)
def test_parameters_of_an_acdc_are_read_as_unified_reads_them(asked, values):
    wanted = read(acdc(**asked))

    assert wanted.kind == "acdc"
    assert wanted.task_values == {TASK: {"sites": ["T1_DE_KIT"], **values}}


def test_a_text_in_place_of_sites_is_one_site():
    assert read(acdc(sites="T2_US_MIT")).task_values[TASK]["sites"] == ["T2_US_MIT"]


def test_no_site_in_the_list_leaves_the_sites_open():
    assert "sites" not in read(acdc(sites=[])).task_values[TASK]


@pytest.mark.parametrize(
    ("document", "kind", "values"),
    [
        ({"Action": "clone", "Parameters": {"memory": "4000", "splitting": "2x", "comment": "x"}}, "clone",
         {"memory": 4000, "splitting": "2x"}),
        ({"Action": "clone", "Parameters": {"memory": "", "splitting": "", "comment": ""}}, "clone", {}),
        ({"Action": "special", "Parameters": {"action": "by-pass"}}, "by-pass", {}),
        ({"Action": "special", "Parameters": {"action": "bypass", "other": "x"}}, "by-pass", {}),
        ({"Action": "special", "Parameters": {"action": "on-hold"}}, "on-hold", {}),
        ({"Action": "special", "Parameters": {"action": "onhold"}}, "on-hold", {}),
    ],
)  # fmt: skip
def test_clones_and_special_actions_are_about_the_whole_workflow(document, kind, values):
    wanted = read(document)

    assert (wanted.kind, wanted.values, wanted.task_values, wanted.user) == (kind, values, {}, "unified")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"Action": "recovery", "Parameters": {TASK: {"sites": []}}}, "'recovery' is none"),
        ({"Action": "force-complete", "Parameters": {}}, "'force-complete' is none"),
        ({"Action": "special", "Parameters": {"action": "force-complete"}}, "'force-complete' is none"),
        ({"Action": "acdc", "Parameters": {}}, "Parameters is blank"),
        ({"Action": "acdc", "Parameters": None}, "Parameters are no object"),
        ({"Action": "acdc", "Parameters": {"AllSteps": {"sites": []}}}, "AllSteps"),
        ({"Action": "acdc", "Parameters": {TASK: {"memory": "2"}}}, "sites are not told"),
        ({"Action": "acdc", "Parameters": {TASK: {"sites": [], "memory": "much"}}}, "memory is a number"),
        ({"Action": "acdc", "Parameters": {TASK: {"sites": [], "multicore": "many"}}}, "multicore is a whole number"),
        ({"Action": "acdc", "Parameters": {TASK: 3}}, "are no object"),
        ({"Action": "clone", "Parameters": {"memory": 4000}}, "is a text"),
        ({"Action": "clone", "Parameters": {"memory": "4gb"}}, "is a number of MB"),
        ([], "expected an object"),
        ({}, "None is none"),
    ],
)
def test_what_unified_can_not_carry_out_is_left_with_the_reason(document, why):
    assert why in read(document)


# -- a console that speaks as the old one did --------------------------------------------


class OldConsole(ThreadingHTTPServer):
    """Hands out ``open`` and takes reports; counts connections, and can be told to lose an answer."""

    daemon_threads = True

    def __init__(self, port=0):
        self.open = {}
        self.done = []
        self.asked = []
        self.peers = set()
        self.connections = []
        self.lose_report = False
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self):
        """End as a server that is restarted ends: kept connections break."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):  # closed before
                connection.shutdown(socket.SHUT_RDWR)

    def report(self, body):
        if body["key"] != "secret":
            return {"valid_key": False, "valid_format": True}
        success = [name for name in body["workflows"] if name in self.open]
        for name in success:
            self.done.append((name, self.open.pop(name)))
        already = [name for name in body["workflows"] if name not in success]
        return {
            "valid_key": True, "valid_format": True, "success": success, "already_reported": already,
            "does_not_exist": [],
        }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections.append(self.connection)

    def _body(self):
        self.server.peers.add(self.client_address)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers.get("Content-type"), json.loads(body)))
        return json.loads(body)

    def _answer(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self._body()
        self._answer(self.server.open)

    def do_POST(self):
        answer = self.server.report(self._body())
        if self.server.lose_report:
            self.server.lose_report = False
            self.close_connection = True
            self.connection.close()
            return
        self._answer(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def console():
    server = OldConsole()
    yield server
    server.stop()


@pytest.fixture
def executor(console, tmp_path):
    """Makes executors that share what is on the disk, as one process after the other does."""
    lines = []

    def make(key="secret", known=lambda _name: True):
        lines.append(Console(console.url, key))
        return Executor(lines[-1], tmp_path / "acts.jsonl", tmp_path / "executor.json", lambda: NOON, known, Random(1))

    yield make
    for line in lines:
        line.close()


def test_f4_an_action_becomes_an_act_and_is_reported(console, executor, tmp_path):
    console.open = {"wf_A": acdc(memory="12gb")}

    came = executor().round()

    (act,) = read_acts(tmp_path / "acts.jsonl")
    assert act == Act(act.id, NOON, "wf_A", "acdc", {}, {TASK: {"sites": ["T1_DE_KIT"], "memory": 12288}}, "olga")
    assert (came.fetched, came.done, came.left, came.not_taken) == (1, ("wf_A",), (), ())
    assert [name for name, _ in console.done] == ["wf_A"]


def test_f4_actions_are_asked_for_by_get_with_a_body_of_json(console, executor, tmp_path):
    executor().round()

    assert console.asked == [("GET", "/getaction?days=15", "application/json", {"key": "secret"})]


def test_one_connection_is_kept_for_all_rounds(console, executor, tmp_path):
    unified = executor()
    for n in range(3):
        console.open = {f"wf_{n}": acdc()}
        unified.round()

    assert len(console.peers) == 1


def test_ten_workflows_at_most_are_taken_in_a_round(console, executor, tmp_path):
    console.open = {f"wf_{n}": acdc() for n in range(25)}
    unified = executor()

    rounds = [len(unified.round().done) for _ in range(4)]

    assert rounds == [10, 10, 5, 0]


def test_what_can_not_be_carried_out_stays_open_and_is_not_reported(console, executor, tmp_path):
    console.open = {"wf_A": {"Action": "recovery", "Parameters": {}}}

    came = executor().round()

    assert came.done == ()
    assert came.left == (("wf_A", "the action 'recovery' is none that Unified carries out"),)
    assert [asked[0] for asked in console.asked] == ["GET"]
    assert not (tmp_path / "acts.jsonl").exists()


def test_a_workflow_that_the_grid_does_not_have_stays_open(console, executor, tmp_path):
    console.open = {"wf_A": acdc()}

    came = executor(known=lambda _name: False).round()

    assert came.left == (("wf_A", "the grid has no such workflow"),)


def test_a_wrong_key_is_told_and_nothing_is_done_twice_for_it(console, executor, tmp_path):
    console.open = {"wf_A": acdc()}
    wrong = executor(key="guess")
    for _ in range(2):
        with pytest.raises(SourceError, match="is the key right"):
            wrong.round()

    executor().round()

    assert len(read_acts(tmp_path / "acts.jsonl")) == 1
    assert [name for name, _ in console.done] == ["wf_A"]


def test_an_answer_that_was_lost_repeats_neither_act_nor_report(console, executor, tmp_path):
    console.open = {"wf_A": acdc()}
    console.lose_report = True
    unified = executor()

    first, second = unified.round(), unified.round()

    assert len(read_acts(tmp_path / "acts.jsonl")) == 1
    assert len(console.done) == 1
    # The report was sent again on a new connection, and the console knew it already.
    assert first.not_taken == ("wf_A",)
    assert second.done == ()


def test_a_console_that_is_away_is_told_and_asked_again(console, executor, tmp_path):
    unified = executor()
    unified.round()
    port = console.server_address[1]
    console.stop()
    with pytest.raises(SourceError, match=r"127.0.0.1:\d+/getaction\?days=15: no answer"):
        unified.round()

    again = OldConsole(port)
    try:
        again.open = {"wf_A": acdc()}
        assert unified.round().done == ("wf_A",)
    finally:
        again.stop()


def test_after_a_crash_between_act_and_report_the_same_act_is_reported(console, executor, tmp_path):
    console.open = {"wf_A": acdc()}
    first = executor(key="guess")
    with pytest.raises(SourceError):
        first.round()
    (before,) = read_acts(tmp_path / "acts.jsonl")

    executor().round()  # another process, with what the first left on the disk

    assert read_acts(tmp_path / "acts.jsonl") == (before,)
    assert console.open == {}


def test_a_new_action_on_a_workflow_is_a_new_act_even_if_it_asks_for_the_same(console, executor, tmp_path):
    unified = executor()
    for _ in range(2):
        console.open = {"wf_A": acdc(memory=4000)}
        unified.round()

    assert len(read_acts(tmp_path / "acts.jsonl")) == 2


def test_an_action_that_took_the_place_of_an_unreported_one_is_carried_out(console, executor, tmp_path):
    console.open = {"wf_A": acdc()}
    with pytest.raises(SourceError):
        executor(key="guess").round()
    console.open = {"wf_A": acdc(memory=9000)}

    executor().round()

    assert [act.task_values[TASK].get("memory") for act in read_acts(tmp_path / "acts.jsonl")].count(9000) == 1


@pytest.mark.parametrize(
    ("text", "key"), [('{"url": "x", "port": 443, "key": "abc"}', "abc"), ("abc\n", "abc"), ('{"key": "ü"}', "ü")]
)
def test_the_key_is_read_as_unified_keeps_it_or_alone(tmp_path, text, key):
    (tmp_path / "key").write_text(text, encoding="utf-8")

    assert read_key(tmp_path / "key") == key


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://"])
def test_an_address_that_is_none_is_told_in_words(url):
    with pytest.raises(SourceError, match="expected an address"):
        Console(url, "key")


def test_a_state_file_that_is_damaged_is_told_in_words(console, executor, tmp_path):
    (tmp_path / "executor.json").write_text("{", encoding="utf-8")

    with pytest.raises(SourceError, match=r"executor.json can not be read.*move it away"):
        executor()
