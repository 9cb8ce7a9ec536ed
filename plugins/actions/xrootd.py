"""Whether an input file can still be found: asks the federation through the program xrdfs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import re2
from pydantic import Field, field_validator

from wwt_framework import hookimpl
from wwt_framework.model import Case, User
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Field as Parameter
from wwt_framework.plugin import Health, Page, Panel, PluginContext, Reply, Snapshot, Visit

#: A file as logs name it: with or without the server in front. No part of it can be taken for an option or for "..".
_SERVER = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?"
_FILE = re2.compile(rf"(?:root://{_SERVER}/)?(/store(?:/[A-Za-z0-9_+=][A-Za-z0-9_.+=-]*)+)")
_HOST = re2.compile(_SERVER)
_LONGEST = 1_000
#: Files that are shown of one workflow.
_SHOWN = 20

#: How xrdfs says that no server has the file; anything else that it fails with says nothing about the file.
_NOT_FOUND = ("[3011]", "No such file", "No servers have", "no such file or directory")


class Xrootd:
    """Look whether a file that logs name can still be found, by `xrdfs locate`: `/file_exists`.

    Operators only; never through a shell; so many at once, each with a time limit.
    """

    class Options(PluginOptions):
        xrdfs: str = Field(
            "xrdfs", min_length=1, description="the program: a path, or a name that is looked for on the PATH"
        )
        redirector: str = Field("cms-xrd-global.cern.ch", description="server that is asked, host or host:port")
        timeout_s: float = Field(20, gt=0, le=300, description="seconds after which an answer is given up")
        at_once: int = Field(4, ge=1, le=50, description="questions that are asked at the same time; more are refused")

        @field_validator("redirector")
        @classmethod
        def _is_a_host(cls, text: str) -> str:
            if not _HOST.fullmatch(text):
                raise ValueError("expected host or host:port like cms-xrd-global.cern.ch")
            return text

    def __init__(self, context: PluginContext[Options]) -> None:
        self._options = context.options
        self._seats = threading.BoundedSemaphore(context.options.at_once)

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        """`/file_exists?filename=`."""
        asks = (Parameter("filename", "filename", required=True, help="/store/..., or root://host//store/..."),)
        answers = {"xrdfs_locate": Literal[0, 1]}
        return [
            Page(
                "/file_exists",
                "File exists",
                self.file_exists,
                role="operator",
                in_menu=False,
                asks=asks,
                answers=answers,
            )
        ]

    @hookimpl
    def show_panels(self, page: str, case: Case | None, user: User) -> Sequence[Panel]:
        """The files that the logs of a workflow name, each with a link that looks for it."""
        if page != "workflow" or case is None or not user.may("operator"):
            return ()
        named = dict.fromkeys(file for log in case.logs for file in log.files)
        files = [file for file in named if len(file) <= _LONGEST and _FILE.fullmatch(file)]
        if not files:
            return ()
        values = {"files": files[:_SHOWN], "more": len(files) - len(files[:_SHOWN])}
        return [Panel("File statuses", "xrootd_files.html", values, place="side")]

    @hookimpl
    def report_health(self) -> Health:
        """Whether the program is there."""
        program = self._program()
        return Health(bool(program), f"{program} is there" if program else self._missing())

    def file_exists(self, visit: Visit, _user: User, _snapshot: Snapshot) -> Reply:
        """Whether a file can still be found.

        ``{"xrdfs_locate": 1}`` when some server has it, 0 when none has; an error when that is not known.
        """
        given = visit.query.get("filename", "")
        match = _FILE.fullmatch(given) if isinstance(given, str) and len(given) <= _LONGEST else None
        if match is None:
            return _refused(400, "filename must be one file like /store/mc/a.root, or root://host//store/mc/a.root.")
        program = self._program()
        if program is None:
            return _refused(501, self._missing())
        if not self._seats.acquire(blocking=False):
            return _refused(503, f"{self._options.at_once} files are being looked for already; try again in a moment.")
        try:
            return self._locate(program, match.group(1))
        finally:
            self._seats.release()

    def _locate(self, program: str, lfn: str) -> Reply:
        where, seconds = self._options.redirector, self._options.timeout_s
        try:
            code, said = _run([program, where, "locate", lfn], seconds)
        except OSError as err:
            return _refused(503, f"{program} could not be started: {err.strerror}")
        if code is None:
            return _refused(503, f"{where} did not say within {seconds:g} s whether the file is there.")
        if code == 0 and said.strip():
            return Reply(json={"xrdfs_locate": 1})
        if any(words in said for words in _NOT_FOUND):
            return Reply(json={"xrdfs_locate": 0})
        last = " ".join(said.split())[-200:] or "nothing"
        return _refused(503, f"Whether the file is there is not known: xrdfs ended with {code} and said: {last}")

    def _program(self) -> str | None:
        return shutil.which(str(Path(self._options.xrdfs).expanduser()))

    def _missing(self) -> str:
        return (
            f"There is no program {self._options.xrdfs!r} on this server: install the XRootD client, "
            "or say with the option xrdfs where it is."
        )


def _refused(status: int, sentence: str) -> Reply:
    return Reply(json={"error": sentence, "status": status}, status=status)


#: Bytes that are read of what the program says.
_MOST = 65_536


def _run(arguments: list[str], seconds: float) -> tuple[int | None, str]:
    """Exit code and output of a program, in a group of its own that is killed when the time is over: code None."""
    process = subprocess.Popen(  # noqa: S603  # no shell; what comes from outside is one argument that matched _FILE
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    assert process.stdout is not None
    pipe = process.stdout
    said: list[bytes] = []

    def read() -> None:
        while part := os.read(pipe.fileno(), 8192):
            if sum(map(len, said)) < _MOST:
                said.append(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(seconds)
    late = reader.is_alive()
    if not late:
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:  # it closed its output and goes on
            late = True
    if late:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(1)
    pipe.close()
    return None if late else process.returncode, b"".join(said).decode("utf-8", "replace")
