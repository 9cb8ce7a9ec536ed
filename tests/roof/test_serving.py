"""The program as an admin runs it: started, killed, restarted, edited under way."""

from __future__ import annotations

import base64
import ctypes
import json
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.roof.conftest import CHEAP, WORLD

ERRORS = {"/wf_A/t": {"8028": {"T1_US_FNAL": 3}}, "/wf_B/t": {"50660": {"T2_CH_CERN": "4"}, "NotReported": {"T1_X": 0}}}


def file_source(wwt, errors=ERRORS, extra=""):
    (wwt.folder / "errors.json").write_text(json.dumps(errors))
    return wwt.write(
        f"wwt: {{listen: '127.0.0.1:0', refresh_minutes: 60 {extra}}}\n"
        f"errors:\n  json_file: {{path: errors.json}}\nauth:\n  {CHEAP}\n"
    )


def test_c1_without_a_configuration_serve_writes_the_default_one_says_so_and_goes_on(wwt):
    server = wwt.start("serve", "--port", "0")

    assert "wrote the default one" in "".join(server.said)
    assert "world" in (wwt.folder / "plugins.yml").read_text()
    assert server.get("/globalerror")[0] == 200


def test_c1_the_pid_file_holds_the_process_while_it_runs_and_is_gone_afterwards(wwt):
    file_source(wwt, extra=", pid_file: wwt.pid, log_dir: logs")
    server = wwt.start("serve")
    assert (wwt.folder / "wwt.pid").read_text().strip() == str(server.process.pid)

    server.end()

    assert not (wwt.folder / "wwt.pid").exists()


def test_c1_requests_are_in_the_access_log(wwt):
    file_source(wwt, extra=", log_dir: logs")
    server = wwt.start("serve")

    server.get("/health?one-request")

    assert "one-request" in (wwt.folder / "logs" / "access.log").read_text()


def test_a_first_start_fills_the_pages_by_itself(wwt):
    file_source(wwt)
    server = wwt.start("serve")

    server.until(lambda: server.json("/getprepids") == ["NoPrepID"])
    errors = server.json("/getworkflows?prepid=NoPrepID")

    assert {w["workflow"]: w["errors"] for w in errors} == {"wf_A": 3, "wf_B": 5}


def test_after_a_kill_the_last_snapshot_is_served_at_once(wwt):
    path = file_source(wwt)
    wwt.run("refresh")
    first = wwt.start("serve")
    first.end(signal.SIGKILL)
    (wwt.folder / "errors.json").unlink()  # nothing new can come in
    path.write_text(path.read_text().replace("json_file", "json_file", 1))

    again = wwt.start("serve", "--no-jobs")

    assert {w["workflow"] for w in again.json("/getworkflows?prepid=NoPrepID")} == {"wf_A", "wf_B"}


def test_sigterm_ends_the_program_in_order(wwt):
    file_source(wwt)
    server = wwt.start("serve")

    assert server.end() == 0
    assert "Traceback" not in "".join(server.said)


def test_a_changed_plugins_yml_is_taken_up_while_running(wwt):
    path = file_source(wwt)
    server = wwt.start("serve")
    before = server.get("/health")[1]

    path.write_text(path.read_text() + "  # a comment changes the checksum\n")

    server.until(lambda: server.get("/health")[1] != before)
    assert server.get("/globalerror")[0] == 200


def test_another_source_is_asked_as_soon_as_the_file_names_it(wwt):
    path = file_source(wwt)
    server = wwt.start("serve")
    server.until(lambda: server.json("/getprepids"))
    (wwt.folder / "other.json").write_text(json.dumps({"/another/t": {"1": {"T1_X": 1}}}), encoding="utf-8")

    path.write_text(path.read_text().replace("errors.json", "other.json"))

    server.until(lambda: [w["workflow"] for w in server.json("/getworkflows?prepid=NoPrepID")] == ["another"])


def test_a_bad_edit_keeps_what_runs_and_says_so(wwt):
    path = file_source(wwt)
    server = wwt.start("serve")

    path.write_text(path.read_text().replace("json_file: {path", "json_file: {pth"))

    said = server.until(lambda: (page := server.get("/plugins")[1]) and "pth" in page and page)
    assert "did you mean" in said
    assert server.get("/globalerror")[0] == 200


def test_a_port_that_is_taken_is_told_in_words(wwt):
    file_source(wwt)
    server = wwt.start("serve")

    done = wwt.run("serve", "--port", server.address.rpartition(":")[2], code=1)

    assert "can not listen here" in done.stderr


def test_two_clients_see_the_same_snapshot(wwt):
    file_source(wwt)
    wwt.run("refresh")
    server, other = wwt.start("serve"), wwt.start("serve", "--no-jobs")

    assert server.json("/getprepids") == other.json("/getprepids")


def test_a_new_account_signs_in_with_basic(wwt):
    file_source(wwt)
    wwt.run("user", "add", "olga", "--role", "operator", "--password-stdin", typed="a long password\n")
    server = wwt.start("serve", "--no-jobs")
    secret = base64.b64encode(b"olga:a long password").decode()

    page = server.get("/", Authorization=f"Basic {secret}", Accept="text/html")

    assert page[0] == 200
    assert "olga" in page[1]


def test_work_runs_the_jobs_for_a_server_that_does_not(wwt):
    file_source(wwt)
    server = wwt.start("serve", "--no-jobs")
    assert server.json("/getprepids") == []
    with wwt.working():
        assert server.until(lambda: server.json("/getprepids")) == ["NoPrepID"]


@pytest.mark.skipif(sys.platform != "linux", reason="threads are signalled as Linux does it")
def test_work_ends_whichever_of_its_threads_the_system_tells(wwt):
    file_source(wwt)
    with wwt.working() as process:
        threads = [int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir()]
        other = next(thread for thread in threads if thread != process.pid)

        assert ctypes.CDLL(None).tgkill(process.pid, other, signal.SIGTERM) == 0

        assert process.wait(30) == 0


def test_c1_pages_come_over_tls_with_a_certificate(wwt):
    made = subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost "
        "-addext subjectAltName=IP:127.0.0.1",
        shell=True, cwd=wwt.folder, capture_output=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    file_source(wwt, extra=", tls: {certificate: cert.pem, key: key.pem}")
    server = wwt.start("serve")
    trusted = ssl.create_default_context(cafile=str(wwt.folder / "cert.pem"))

    with urllib.request.urlopen(server.address + "/health", context=trusted, timeout=30) as answer:
        headers = answer.headers

    assert server.address.startswith("https://")
    assert "max-age" in headers["Strict-Transport-Security"]


def test_a_demo_shows_a_grid_and_says_how_to_sign_in(wwt):
    demo = wwt.start("demo", "--port", "0", "--workflows", "15")
    demo.until(lambda: "Ctrl-C" in "".join(demo.said))
    told = "".join(demo.said)
    password = told.partition("name olga")[2].partition("password ")[2].split()[0]
    secret = base64.b64encode(f"olga:{password}".encode()).decode()

    # A machine too busy to check a password in time says so, and to try again.
    demo.until(lambda: demo.get("/", Authorization=f"Basic {secret}", Accept="text/html")[0] == 200)
    assert len(demo.json("/getprepids")) > 5


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_leaves_nothing_behind(wwt, signal_number):
    demo = wwt.start("demo", "--port", "0", "--workflows", "5")
    assert list(wwt.folder.glob("wwt-demo-*"))  # there its temporary files are

    demo.end(signal_number)

    assert not list(wwt.folder.glob("wwt-demo-*"))


def test_the_world_is_what_the_default_configuration_shows(wwt):
    wwt.write(WORLD)

    assert "20" in wwt.run("plugins", "world").stdout
