"""What stands behind `wwt demo --live`: a made-up grid that is only known through its services, over HTTPS.

``python -m wwt_framework.demo_live PARENT FOLDER`` is the process of these services; it ends with its parent.
It says in one line where it is, writes its answers anew as the grid's time goes on, and behaves as the file
``faults`` in FOLDER says, line by line (`testing/faults.py`: ``503``, ``503@jobdetail``, ``20%``).
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wwt_framework.app import App
from wwt_framework.errors import WwtError
from wwt_framework.job_child import end_with

if TYPE_CHECKING:
    import click

    from wwt_framework.testing.faults import Mood
    from wwt_framework.testing.grid_services import Written

log = logging.getLogger(__name__)

#: Seconds from one writing of all answers to the next.
WRITE_EVERY_S = 30.0
#: Seconds between two looks at the file of faults.
_LOOK_EVERY_S = 0.5
#: How long the console's certificate is good for: longer than anybody lets a demo run.
_GOOD_FOR = timedelta(days=30)
#: Pages come first where processors are few.
_NICE = 10
_WITHOUT_KIT = (
    'the stand-in for the grid\'s services needs packages that are not installed; pip install "wwt-framework[demo]"'
)


@dataclass(frozen=True)
class Grid:
    """The services of a made-up grid, as a console is told of them."""

    url: str
    config: Path  # the plugins.yml of the grid itself, on which an executor works
    certificate: Path  # the console's, with its key
    ca: Path  # who signs the certificate of the services
    faults: Path  # what stands in this file is how they misbehave
    kinds: tuple[str, ...]  # of faults there are

    def misbehave(self, lines: Sequence[str]) -> None:
        """From the next look on the services do as *lines* say."""
        self.faults.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def sources(self, time_lapse: float) -> dict[str, Any]:
        """The sources of a console that asks these services; what takes hours on a grid takes less in a *time_lapse*."""
        about = {"certificate": str(self.certificate), "ca": str(self.ca)}
        return {
            "unified_status": {"path": f"{self.url}/cms-unified/statuses.json", "may_be_empty": True, **about},
            "cmsweb": {"url": self.url, "timeout_s": 5, "believed_after_h": 6 / time_lapse, **about},
            "prod_status": {"path": f"{self.url}/ssb_metric/ProdStatus.txt", **about},
        }


def check(faults: Sequence[str]) -> tuple[str, ...]:
    """All faults there are. Raises `WwtError` when one of *faults* is none, or there can be no stand-in here."""
    try:
        from wwt_framework.testing import certificates  # noqa: F401  # whether it is there: it needs trustme
        from wwt_framework.testing.faults import ALL, mood_words
    except ImportError as err:
        raise WwtError(f"{_WITHOUT_KIT} (without {err.name})") from err
    try:
        for line in faults:
            mood_words(line)
    except ValueError as err:
        raise WwtError(f"--faults: {err}") from err
    return ALL


@contextmanager
def services(folder: Path, world: Mapping[str, Any]) -> Iterator[Grid]:
    """The services of a grid with the options *world*, in a process of their own until the block ends.

    Raises `WwtError` when they can not be started.
    """
    kinds = check(())
    folder.mkdir()
    config = folder / "plugins.yml"
    config.write_text(json.dumps({"wwt": {"data_dir": "data"}, "errors": {"world": world}}))  # which is YAML, too
    words = [sys.executable, "-m", "wwt_framework.demo_live", str(os.getpid()), str(folder)]
    # In a session of its own: Ctrl-C is for the demo, which ends it in order.
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603  # ours
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise WwtError(f"the stand-in for the grid's services did not start (exit code {process.wait()})")
        told = json.loads(line)
        yield Grid(told["url"], config, Path(told["certificate"]), Path(told["ca"]), folder / "faults", kinds)
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()


def command(app: App, name: str) -> click.Command:
    """The command *name* that a plugin of *app* contributes."""
    answers = app.house.hooks.each("register_commands")
    found: click.Command = next(one.command for answer in answers for one in answer.value or () if one.name == name)
    return found


def invoke(command: click.Command, words: list[str], typed: str = "") -> str:
    """Run *command* with *words*, *typed* at its prompt; what it said if it failed."""
    from click.testing import CliRunner

    result = CliRunner().invoke(command, words, input=typed + "\n")
    return "" if result.exit_code == 0 else result.output


# -- the process --------------------------------------------------------------


class Answers:
    """What the services of a grid answer: the last that was written of it."""

    def __init__(self, config: Path) -> None:
        self._folder = config.parent / "answers"
        self._app = App.build(config)
        self._world = command(self._app, "world")
        self._n = 0
        self._now = self._written()

    def answer(self, address: str) -> bytes | None:
        """The body at *address*; None: there is no such address."""
        return self._now.answer(address)

    def write(self) -> None:
        """Write all answers anew. Those of the last time stay for whoever is reading them."""
        before = self._n - 1
        self._now = self._written()
        shutil.rmtree(self._folder / str(before), ignore_errors=True)

    def _written(self) -> Written:
        from wwt_framework.testing.grid_services import Written

        self._n += 1
        folder = self._folder / str(self._n)
        with contextlib.redirect_stdout(io.StringIO()):  # it says how many; ours says where we are
            self._world.main(["export", "--format", "services", str(folder)], standalone_mode=False)
        return Written(folder)


class Temper:
    """Has a mood follow a file."""

    def __init__(self, file: Path, mood: Mood) -> None:
        self._file = file
        self._mood = mood
        self._text: str | None = None

    def look(self) -> None:
        """Take up the file when it changed. One that is not there changes nothing; what is no fault neither, and is told once."""
        try:
            text = self._file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        if text == self._text:
            return
        self._text = text
        try:
            self._mood.become([line for line in text.splitlines() if line.strip()])
        except ValueError as err:
            print(f"{self._file}: {err}", file=sys.stderr, flush=True)


def _serve(folder: Path) -> None:
    from wwt_framework.testing.certificates import Authority
    from wwt_framework.testing.grid_services import GridServices

    answers = Answers(folder / "plugins.yml")
    authority = Authority(folder / "certificates")
    told = {"certificate": str(authority.person("console", _GOOD_FOR)), "ca": str(authority.path)}
    pause = threading.Event()

    def write_on() -> None:
        while not pause.wait(WRITE_EVERY_S):
            try:
                answers.write()
            except Exception:  # whatever it was, a full disk for example: the last answers stand
                log.exception("the answers of the made-up grid could not be written")

    with GridServices(answers, authority).open() as running:
        temper = Temper(folder / "faults", running.mood)
        temper.look()
        print(json.dumps({"url": running.url, **told}), flush=True)
        threading.Thread(target=write_on, name="writing", daemon=True).start()
        while not pause.wait(_LOOK_EVERY_S):
            temper.look()


def main() -> None:
    """Serve until the parent, the first argument, is gone."""
    end_with(int(sys.argv[1]))
    os.nice(_NICE)
    _serve(Path(sys.argv[2]))


if __name__ == "__main__":
    main()
