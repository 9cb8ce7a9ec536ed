"""Real processes of the program, each with a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHEAP = "local: {time_cost: 1, memory_kib: 8, parallelism: 1, deadline_s: 60}"
WORLD = f"wwt: {{listen: '127.0.0.1:0', refresh_minutes: 60}}\nerrors:\n  world: {{workflows: 20}}\nauth:\n  {CHEAP}\n"


class Wwt:
    """The program in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[str]] = []
        self.readers: list[threading.Thread] = []

    def _environ(self) -> dict[str, str]:
        ours = {key: value for key, value in os.environ.items() if key != "WWT_CONFIG"}
        return {**ours, "TMPDIR": str(self.folder)}  # a program that is killed leaves its folder to the test's

    def write(self, text: str = WORLD) -> Path:
        path = self.folder / "plugins.yml"
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *words: str, typed: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        """One command to its end; fails unless it ends with *code*, or when a traceback is shown."""
        done = subprocess.run(
            [sys.executable, "-m", "wwt_framework.cli", *words], cwd=self.folder, input=typed, env=self._environ(),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        told = f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in told, told
        assert done.returncode == code, told
        return done

    def start(self, *words: str) -> Running:
        """A command that goes on; returns when it says where it listens."""
        process = subprocess.Popen(
            [sys.executable, "-m", "wwt_framework.cli", *words], cwd=self.folder, env=self._environ(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.running.append(process)
        running = Running(process)
        self.readers.append(running.reader)
        return running

    @contextmanager
    def working(self) -> Iterator[subprocess.Popen[str]]:
        """``wwt work``, which has said that it runs jobs; it must end when it is told to."""
        process = subprocess.Popen(
            [sys.executable, "-m", "wwt_framework.cli", "work"], cwd=self.folder, env=self._environ(),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.running.append(process)
        assert process.stdout
        assert "runs jobs" in process.stdout.readline()
        yield process
        process.terminate()
        assert process.wait(30) == 0


class Running:
    """A server that has said its address."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self.address = ""
        assert process.stdout
        for line in process.stdout:
            self.said.append(line)
            if found := re.search(r"https?://[\w.:\[\]]+", line):
                self.address = found.group()
                break
        assert self.address, "".join(self.said)
        # Whoever does not read what a process says stops it when the pipe is full.
        self.reader = threading.Thread(target=lambda: self.said.extend(process.stdout or ()), daemon=True)
        self.reader.start()

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(self.address + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as err:
            return err.code, err.read().decode()

    def json(self, path: str) -> Any:
        return json.loads(self.get(path)[1])

    def until(self, claim: Callable[[], Any], seconds: float = 60) -> Any:
        """Wait until *claim* holds: another process has to come to it."""
        end = time.monotonic() + seconds
        while not (found := claim()):
            assert time.monotonic() < end, f"not within {seconds} s; it said:\n{''.join(self.said)}"
            threading.Event().wait(0.05)
        return found

    def end(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.reader.join(10)
        return code


@pytest.fixture
def wwt(tmp_path: Path) -> Iterator[Wwt]:
    program = Wwt(tmp_path)
    yield program
    for process in program.running:
        process.kill()
        process.wait()
    for reader in program.readers:  # until whoever else holds the pipe, a child of the program, has ended, too
        reader.join(30)
    for process in program.running:
        if process.stdout:
            process.stdout.close()
