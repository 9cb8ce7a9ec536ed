"""Looking for a file through xrdfs: never through a shell, so many at once, and "not known" is not "not there"."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wwt_framework.model import Case, LogExcerpt, User, Workflow
from wwt_framework.plugin import Reply, Visit

LFN = "/store/mc/RunII-1/GEN/0A.root"
OLGA = User("olga", roles=frozenset({"operator"}))


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """``program("exit 3")``: the path of a program that writes its arguments to args.txt and does that."""

    def make(body: str) -> str:
        path = tmp_path / "xrdfs"
        path.write_text(f'#!/bin/sh\nfor a in "$@"; do echo "$a"; done > \'{tmp_path}/args.txt\'\n{body}\n')
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def ask(wwt_plugin: Callable[..., Any]) -> Callable[..., Reply]:
    def call(filename: Any = LFN, **options: Any) -> Reply:
        (page,) = wwt_plugin("actions.xrootd", **options).ask("register_pages")
        visit = Visit("GET", "/file_exists", {}, {} if filename is None else {"filename": filename})
        reply: Reply = page.handler(visit, OLGA, None)
        return reply

    return call


def test_j19_file_that_is_found_is_1(ask: Any, program: Any, tmp_path: Path) -> None:
    reply = ask(xrdfs=program("echo '[::1]:1094 Server Read'"), redirector="xrd.example.org:1094")

    assert (reply.status, reply.json) == (200, {"xrdfs_locate": 1})
    assert (tmp_path / "args.txt").read_text().splitlines() == ["xrd.example.org:1094", "locate", LFN]


def test_j19_name_with_its_server_is_looked_for_everywhere(ask: Any, program: Any, tmp_path: Path) -> None:
    ask(f"root://se.example.org:1095/{LFN}", xrdfs=program("echo found"))

    assert (tmp_path / "args.txt").read_text().splitlines()[-1] == LFN


@pytest.mark.parametrize(
    "said", ["[ERROR] Server responded with an error: [3011] No servers have the file", "[ERROR] No such file"]
)
def test_j19_file_that_no_server_has_is_0(ask: Any, program: Any, said: str) -> None:
    assert ask(xrdfs=program(f"echo '{said}' >&2; exit 54")).json == {"xrdfs_locate": 0}


@pytest.mark.parametrize("body", ["echo '[FATAL] Auth failed' >&2; exit 52", "exit 0", "kill -9 $$"])
def test_j19_failure_that_says_nothing_about_the_file_is_not_0(ask: Any, program: Any, body: str) -> None:
    reply = ask(xrdfs=program(body))

    assert reply.status == 503
    assert reply.json["error"].startswith("Whether the file is there is not known: xrdfs ended with")


def test_j19_answer_that_is_late_is_given_up_and_its_program_ended(ask: Any, program: Any, tmp_path: Path) -> None:
    body = f"sleep 600 & echo $! > '{tmp_path}/child'; wait"
    reply = ask(xrdfs=program(body), timeout_s=0.5, redirector="xrd.example.org")

    assert (reply.status, reply.json["error"]) == (
        503, "xrd.example.org did not say within 0.5 s whether the file is there.",
    )  # fmt: skip
    assert ended(int((tmp_path / "child").read_text()))


def ended(process: int) -> bool:
    """Whether *process* is gone within half a minute; one that nobody has buried yet is gone, too."""
    for _ in range(1500):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        threading.Event().wait(0.02)
    return False


@pytest.mark.parametrize(
    "name",
    [
        None, "", "/etc/passwd", "/store", "/store/", "/store/../etc/passwd", "/store/mc/../../x", "/store/mc//a.root",
        "/store/a;rm -rf .root", "/store/$(id).root", "/store/`id`", "/store/a b.root", "/store/a\n.root", "/store/-rf",
        "--help", "-x /store/a.root", "root://-x//store/a.root", "root://h/ /store/a.root", "http://h//store/a.root",
        "/store/a'b.root", "/store/\u00e9.root", "/store/" + "a" * 2000, ["/store/a.root", "/store/b.root"], "/store/a\0b",
    ],
)  # fmt: skip
def test_j19_name_that_is_no_file_is_refused_and_nothing_is_run(
    ask: Any, program: Any, tmp_path: Path, name: Any
) -> None:
    reply = ask(name, xrdfs=program("echo found"))

    assert reply.status == 400
    assert not (tmp_path / "args.txt").exists()


def test_j19_without_the_program_that_is_said(ask: Any, wwt_plugin: Any) -> None:
    reply = ask(xrdfs="no-such-program-here")
    health = wwt_plugin("actions.xrootd", xrdfs="no-such-program-here").ask("report_health")

    assert reply.status == 501
    assert reply.json["error"] == health.text == (
        "There is no program 'no-such-program-here' on this server: install the XRootD client, "
        "or say with the option xrdfs where it is."
    )  # fmt: skip
    assert not health.ok


def test_j19_so_many_files_are_looked_for_at_once_and_no_more(wwt_plugin: Any, program: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    (page,) = wwt_plugin("actions.xrootd", xrdfs=program(f"cat '{tmp_path}/gate'"), at_once=1).ask("register_pages")
    visit = Visit("GET", "/file_exists", {}, {"filename": LFN})
    first: list[Reply] = []
    thread = threading.Thread(target=lambda: first.append(page.handler(visit, OLGA, None)))
    thread.start()
    until = time.monotonic() + 30
    while not (tmp_path / "args.txt").exists() and time.monotonic() < until:
        threading.Event().wait(0.01)
    second = page.handler(visit, OLGA, None)
    (tmp_path / "gate").write_text("found\n")
    thread.join()

    assert second.status == 503
    assert second.json["error"] == "1 files are being looked for already; try again in a moment."
    assert [reply.json for reply in first] == [{"xrdfs_locate": 1}]


def test_j19_page_is_for_operators(wwt_plugin: Any) -> None:
    (page,) = wwt_plugin("actions.xrootd").ask("register_pages")

    assert (page.path, page.role, page.methods, page.in_menu) == ("/file_exists", "operator", ("GET",), False)


def test_redirector_that_is_no_host_is_refused(wwt_plugin: Any) -> None:
    with pytest.raises(Exception, match="expected host or host:port like"):
        wwt_plugin("actions.xrootd", redirector="-oProxyCommand=x")


# -- the panel of a workflow --


def shown(wwt_plugin: Any, *files: str, user: User = OLGA) -> list[Any]:
    case = Case(Workflow("w"), logs=(LogExcerpt("/w/t", 8028, "T1_US_FNAL", files=files),))
    told = wwt_plugin("actions.xrootd").ask("show_panels", page="workflow", case=case, snapshot=None, user=user)
    return list(told)


def test_p10_files_that_logs_name_are_listed_each_once(wwt_plugin: Any) -> None:
    (panel,) = shown(wwt_plugin, LFN, LFN, "/store/mc/b.root")

    assert panel.values == {"files": [LFN, "/store/mc/b.root"], "more": 0}


def test_what_can_not_be_looked_for_is_not_listed(wwt_plugin: Any) -> None:
    assert shown(wwt_plugin, "/etc/passwd", "/store/../a", "--all") == []


def test_files_are_listed_for_operators_only(wwt_plugin: Any) -> None:
    assert shown(wwt_plugin, LFN, user=User("vera", roles=frozenset({"viewer"}))) == []
