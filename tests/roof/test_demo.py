"""The demo: a grid whose time is ours or faster, and an executor that carries out what operators submit."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import sys
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

import pytest

from wwt_framework import demo as demo_made
from wwt_framework import demo_past
from wwt_framework.config import load
from wwt_framework.demo import Demo
from wwt_framework.demo_live import Grid, Temper, check
from wwt_framework.errors import WwtError
from wwt_framework.services.history.trend import Span
from wwt_framework.store import open_store
from wwt_framework.testing.faults import Mood

by_proc = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes live")
NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def configured(tmp_path, **changes):
    """What the demo's plugins.yml says, as the house reads it."""
    path = tmp_path / "plugins.yml"
    demo = Demo(**{"port": 8080, "workflows": 30, "time_lapse": 60.0, **changes})
    path.write_text(demo.configuration({"world": demo.world(NOON)}))
    (tmp_path / "executor.key").write_text("a key of the demo")
    return load(path, {})


def options(config, full_name):
    return next(plugin.options for plugin in config.plugins if plugin.full_name == full_name)


def test_the_demo_runs_what_is_shipped_with_an_executor(tmp_path):
    names = {plugin.full_name for plugin in configured(tmp_path).plugins}

    assert {"errors.world", "errors.cms_names", "actions.acdc", "actions.sites_to_run", "auth.local"} <= names
    assert options(configured(tmp_path), "actions.executor")["key"] == "a key of the demo"


def test_the_time_of_its_grid_starts_when_it_is_started(tmp_path):
    world = options(configured(tmp_path), "errors.world")

    assert (world["workflows"], world["time_lapse"], world["start"]) == (30, 60.0, "2026-11-23T12:00:00+00:00")


def test_without_a_time_lapse_its_time_is_ours(tmp_path):
    assert options(configured(tmp_path, time_lapse=1), "errors.world") == {"workflows": 30}


def test_a_demo_has_a_past_of_thirty_days_with_one_on_which_nobody_looked(tmp_path):
    config = configured(tmp_path)
    config.house.data_dir.mkdir()
    demo_past.look(config.path, {"workflows": 30, "days": 4}, NOON)
    store = open_store(config.house.store)
    days = Span(store, NOON, 31).all().days
    store.close()

    assert [i for i, day in enumerate(days) if day.jobs is None] == [19, 30]  # eleven days ago, and today
    assert all(day.jobs for i, day in enumerate(days) if i not in (19, 30))


def test_the_console_of_a_live_demo_knows_the_grid_only_through_its_services(tmp_path):
    grid = Grid("https://localhost:1", tmp_path, tmp_path / "proxy.pem", tmp_path / "ca.pem", tmp_path / "faults", ())
    (tmp_path / "plugins.yml").write_text(Demo(8080, 30, 60.0, live=True).configuration(grid.sources(60)))
    (tmp_path / "executor.key").write_text("a key of the demo")

    config = load(tmp_path / "plugins.yml", {})

    names = [plugin.full_name for plugin in config.plugins if plugin.namespace == "errors"]
    assert names[:3] == ["errors.unified_status", "errors.cmsweb", "errors.prod_status"]
    assert "errors.world" not in names
    assert options(config, "errors.cmsweb")["ca"] == str(tmp_path / "ca.pem")


@pytest.mark.parametrize("line", ["a bad day", "120%", "503jobdetail", "%"])
def test_a_fault_that_is_none_is_named_before_anything_is_made(line):
    with pytest.raises(WwtError, match="--faults: expected a share"):
        check([line])


def test_services_follow_their_file_and_a_line_that_is_no_fault_leaves_all_as_it_was(tmp_path, capsys):
    file, mood = tmp_path / "faults", Mood()
    temper = Temper(file, mood)
    seen = []
    for text in (None, b"503@jobdetail\n", b"\xff\n", b"\xff\n", b""):
        if text is not None:
            file.write_bytes(text)
        temper.look()
        seen.append(mood.of("/wmstatsserver/data/jobdetail/a"))

    assert seen == ["", "503", "503", "503", ""]
    assert capsys.readouterr().err.count("expected a share") == 1


@pytest.mark.parametrize(
    ("lapse", "words"),
    [(1, "Its time is ours"), (60, "An hour there is a minute of ours"), (600, "In a minute of ours, 10 hours pass")],
)
def test_it_says_how_fast_its_time_goes(lapse, words):
    assert Demo(8080, 300, lapse).pace().startswith(words)


class Operator:
    """Somebody who signed in to a demo as the operator that it made."""

    def __init__(self, demo):
        self.demo = demo
        demo.until(lambda: "Ctrl-C" in "".join(demo.said))
        password = "".join(demo.said).partition("name olga")[2].partition("password ")[2].split()[0]
        self.secret = base64.b64encode(f"olga:{password}".encode()).decode()

    def submit(self, workflow):
        """Ask for an ACDC by the form of old; the state of its only line."""
        form = {"workflows": workflow, "action": "acdc", "method": "Auto", "shortreason1": "", "longreason1": "why"}
        request = urllib.request.Request(
            f"{self.demo.address}/submitaction", urllib.parse.urlencode(form).encode(),
            {"Authorization": f"Basic {self.secret}", "Accept": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            (line,) = json.loads(answer.read())["lines"]
        return line["state"]

    def reset(self):
        """Have everything fetched anew."""
        basic = {"Authorization": f"Basic {self.secret}"}
        assert self.demo.get("/resetcache", **basic)[0] == 200

    def workflows(self):
        preps = self.demo.json("/getprepids")
        return {prep: self.demo.json(f"/getworkflows?prepid={urllib.parse.quote(prep)}") for prep in preps}


def test_what_is_submitted_is_fetched_and_carried_out(wwt):
    demo = wwt.start("demo", "--port", "0", "--workflows", "40", "--time-lapse", "300")
    operator = Operator(demo)
    failing = [one["workflow"] for family in operator.workflows().values() for one in family if one["errors"]]
    # Several: hours pass there before the executor comes, and any of them may have left by then.
    asked = [name for name in failing[:8] if operator.submit(name) == "queued"]

    did = demo.until(lambda: [name for name in asked if f"did {name}\n" in "".join(demo.said)])

    done = demo.until(lambda: demo.json("/getaction?acted=1"))
    assert set(did) <= done.keys()  # beside those of years gone by
    assert not set(did) & demo.json("/getaction").keys()


def test_its_folder_goes_even_where_something_is_written_into_it_meanwhile(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    removed, turns = shutil.rmtree, iter([True, False])

    def meanwhile(folder, **how):
        removed(folder, **how)
        if next(turns):
            (folder / "late").mkdir(parents=True)

    monkeypatch.setattr("shutil.rmtree", meanwhile)
    with demo_made._folder() as folder:
        (folder / "plugins.yml").touch()

    assert list(tmp_path.iterdir()) == []


@by_proc
def test_its_executor_ends_with_it_even_when_it_is_killed(wwt):
    demo = wwt.start("demo", "--port", "0", "--workflows", "5")
    Operator(demo)
    children = f"/proc/{demo.process.pid}/task/{demo.process.pid}/children"
    executor = demo.until(lambda: next((pid for pid in _read(children).split() if _is_executor(pid)), None))

    demo.end(signal.SIGKILL)

    demo.until(lambda: not _is_executor(executor))


def _read(path):
    try:
        return Path(path).read_text()
    except OSError:  # the process is gone
        return ""


def _is_executor(pid):
    return "wwt_framework.demo" in _read(f"/proc/{pid}/cmdline")


def strip(demo):
    """(source, kind) -> how it answered."""
    return {(line["plugin"], line["kind"]): line["state"] for line in demo.json("/freshness?format=json")}


def after_a_reset(operator, claim):
    """Have everything fetched anew until *claim* holds of the strip."""

    def holds():
        found = strip(operator.demo)
        if not claim(found):
            operator.reset()
            return None
        return found

    return operator.demo.until(holds, 120)


def test_j12_a_live_demo_asks_services_over_https_that_misbehave_as_they_are_told(wwt):
    demo = wwt.start("demo", "--live", "--port", "0", "--workflows", "12", "--faults", "503@jobdetail")
    operator = Operator(demo)
    told = "".join(demo.said)
    before = demo.json("/getprepids")

    spoilt = after_a_reset(operator, lambda found: found["errors.cmsweb", "errors"] == "kept")

    assert "at https://localhost:" in told
    assert spoilt["errors.unified_status", "workflows"] == "ok"
    assert demo.json("/getprepids") == before

    Path(told.partition("A line in ")[2].split()[0]).write_text("")
    after_a_reset(operator, lambda found: found["errors.cmsweb", "errors"] in ("ok", "partial"))

    assert demo.json("/sitestatuses")


@by_proc
def test_a_console_whose_services_died_shows_what_it_has(wwt):
    demo = wwt.start("demo", "--live", "--port", "0", "--workflows", "5")
    operator = Operator(demo)
    children = f"/proc/{demo.process.pid}/task/{demo.process.pid}/children"
    before = demo.json("/getprepids")
    os.kill(int(next(pid for pid in _read(children).split() if _is_services(pid))), signal.SIGKILL)

    after_a_reset(
        operator, lambda found: set(found.values()) >= {"kept"} and found["errors.cmsweb", "errors"] == "kept"
    )

    assert demo.json("/getprepids") == before
    assert demo.end() == 0


@by_proc
def test_the_services_of_a_demo_end_with_it_even_when_it_is_killed(wwt):
    demo = wwt.start("demo", "--live", "--port", "0", "--workflows", "5")
    children = f"/proc/{demo.process.pid}/task/{demo.process.pid}/children"
    services = next(pid for pid in _read(children).split() if _is_services(pid))

    demo.end(signal.SIGKILL)

    demo.until(lambda: not _is_services(services))


def test_faults_without_services_to_spoil_are_refused(wwt):
    done = wwt.run("demo", "--faults", "503", code=2)

    assert "give both" in done.stderr


def _is_services(pid):
    return "wwt_framework.demo_live" in _read(f"/proc/{pid}/cmdline")
