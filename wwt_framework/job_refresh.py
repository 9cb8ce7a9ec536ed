"""A job as a process of its own: started, listened to, ended with us or when it hangs. The refresh is one."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from wwt_framework.config import Config
from wwt_framework.errors import WwtError
from wwt_framework.job_runs import one_line
from wwt_framework.store.ledger import JobRun

log = logging.getLogger(__name__)

#: A refresh that takes longer hangs.
LIMIT = timedelta(hours=1)
#: Arguments of a refresh -> what the options of its command are called.
_CALLED = {"workflows": "workflow", "prep_ids": "prepid"}
#: How the program begins the sentence with which it ends.
_SAYS = "wwt: "
#: Lines of one run that go to the log.
_LINES_LOGGED = 200


class Ended(WwtError):
    """The run was ended by us before it was done."""


class Child:
    """``run`` starts a process and waits for its end; ``stop`` ends it, and every later one at once."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def run(
        self, config: Config, run_id: str, arguments: Mapping[str, Any], command: str = "refresh",
        limit: timedelta = LIMIT,
    ) -> str:  # fmt: skip
        """``wwt COMMAND`` with the configuration that runs, whatever stands in the file by now.

        *arguments* become its options: ``{"days": 30}`` is ``--days=30``; a list repeats its option, True is the bare
        option, None leaves it out.
        Returns the line in which it says what it came to. Raises `WwtError` when it failed.
        """
        with self._lock:
            if self._stopped:
                raise Ended("not begun because the program was closed")
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                _command(command, config.path, run_id, arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace",
            )  # fmt: skip
        process = self._process
        try:
            told, complaints = process.communicate(config.text, timeout=limit.total_seconds())
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise WwtError(f"ended after {limit}: it hung") from None
        return self._outcome(command, process.returncode, told, complaints)

    def stop(self) -> None:
        """End what runs."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()

    def _outcome(self, command: str, code: int, told: str, complaints: str) -> str:
        lines = complaints.splitlines()
        for line in lines[:_LINES_LOGGED]:
            log.warning("a job's process says", extra={"job": command, "line": one_line(line)})
        if len(lines) > _LINES_LOGGED:
            log.warning("a job's process says more than is logged", extra={"job": command, "lines": len(lines)})
        if code == 0:
            return one_line(told)
        if self._stopped:
            raise Ended("ended because the program was closed")
        if code < 0:
            raise WwtError(f"its process was ended by {signal.Signals(-code).name}")
        raise WwtError(one_line(_reason(lines)) or f"exit code {code}")


def _command(command: str, config: Path, run_id: str, arguments: Mapping[str, Any]) -> list[str]:
    words = [sys.executable, "-m", "wwt_framework.job_child", str(os.getpid()), command]
    words += ["--config", str(config), "--as-running", "--run", run_id]
    for name, value in arguments.items():
        option = f"--{_CALLED.get(name, name).replace('_', '-')}"
        if isinstance(value, bool):
            words += [option] if value else []
        else:
            values = value if isinstance(value, (list, tuple)) else () if value is None else (value,)
            words += [f"{option}={one}" for one in values]
    return words


def _reason(lines: Sequence[str]) -> str:
    """Why the program ended: its own sentence; without one the last line, which is that of a traceback."""
    # Not only at the beginning: what a plugin wrote last may lack its end.
    own = [line.partition(_SAYS)[2] for line in lines if _SAYS in line]
    return next((line for line in reversed(own or lines) if line.strip()), "")


def is_partial(run: JobRun) -> bool:
    """Whether *run* is a refresh of some workflows or prep ids only."""
    return any(run.arguments.get(name) for name in ("workflows", "prep_ids"))


def joined(runs: Sequence[JobRun]) -> dict[str, list[str]]:
    """What all of *runs* ask for, as the arguments of one refresh."""
    names = ("workflows", "prep_ids")
    return {name: sorted({one for run in runs for one in run.arguments.get(name) or ()}) for name in names}
