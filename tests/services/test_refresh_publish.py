"""Snapshots on disk: published whole or not at all, whatever happens on the way."""

from __future__ import annotations

import errno
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.services.refresh_house import NOON, House, cells, columns, source
from wwt_framework.errors import StoreError, WwtError
from wwt_framework.model import LogExcerpt
from wwt_framework.services import publish
from wwt_framework.services.board import Board
from wwt_framework.store import ledger, open_store

A1: tuple[str, int, str, int] = ("/a/one", 85, "T1_US_FNAL", 3)
A2: tuple[str, int, str, int] = ("/a/one", 85, "T1_US_FNAL", 4)


@pytest.fixture
def taken(house: House) -> House:
    """A house with one snapshot, and a source that has news."""
    house.sources["one"] = source(load_errors=columns(A1))
    house.refresh()
    house.sources["one"].answers["load_errors"] = columns(A2)
    house.go_on()
    return house


def folders(house: House) -> list[str]:
    return sorted(path.name for path in (house.data_dir / "snapshots").iterdir())


def test_a_version_sorts_by_time_and_names_its_folder(taken: House) -> None:
    second = taken.refresh().version

    assert folders(taken) == ["20261123T120000.000000Z", "20261123T121500.000000Z"]
    assert second == "20261123T121500.000000Z"


def test_a_clock_that_was_set_back_still_gives_later_versions(taken: House) -> None:
    first = taken.snapshot.version
    taken.now = datetime(1999, 1, 1, tzinfo=NOON.tzinfo)

    assert taken.refresh().version > first
    assert cells(taken.snapshot) == {A2}


def test_the_last_snapshots_are_kept_and_older_ones_removed(house: House) -> None:
    house.options["keep_snapshots"] = 2
    house.sources["one"] = source(load_errors=columns(A1))
    made = []
    for _ in range(5):
        house.go_on()
        made.append(house.refresh().version)

    assert folders(house) == made[-3:]
    assert [version.version for version in ledger.versions(house.store)] == made[:1:-1]


def test_whoever_reads_a_removed_snapshot_goes_on_reading(house: House) -> None:
    house.options["keep_snapshots"] = 1
    house.sources["one"] = source(load_errors=columns(A1), fetch_logs=[LogExcerpt("/a/one", 85, "s", text="said")])
    reader = house.refresh()
    for _ in range(3):
        house.go_on()
        house.refresh()

    assert reader.folder is not None
    assert not reader.folder.exists()
    assert cells(reader) == {A1}
    assert [log.text for log in reader.logs("a")] == ["said"]


def test_what_a_killed_refresh_left_is_swept_away(taken: House) -> None:
    left = taken.data_dir / "snapshots" / ".writing-20200101T000000.000000Z"
    left.mkdir()
    (left / "codes.npy").write_bytes(b"half")
    kept = taken.data_dir / "sources" / "errors.one" / "load_errors.v1.npz.new"
    kept.write_bytes(b"half")
    taken.refresh()

    assert not left.exists()
    assert not kept.exists()


def test_a_folder_that_was_renamed_and_never_published_is_swept_away(taken: House) -> None:
    left = taken.data_dir / "snapshots" / "20261123T120001.000000Z"
    left.mkdir()
    taken.refresh()

    assert not left.exists()


def test_a_full_disk_leaves_the_current_snapshot_and_no_rubbish(taken: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = folders(taken)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publish, "write", full)

    with pytest.raises(WwtError, match="could not be written: No space left on device; the one before stays"):
        taken.refresh()
    assert folders(taken) == before
    assert cells(taken.snapshot) == {A1}


def test_a_full_disk_while_data_is_kept_is_a_sentence(taken: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("wwt_framework.services.kept.os.fsync", full)

    with pytest.raises(WwtError, match="No space left on device"):
        taken.refresh()
    assert cells(taken.snapshot) == {A1}


def test_a_store_that_refuses_leaves_the_current_snapshot(taken: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = folders(taken)

    def away(*_: object) -> None:
        raise StoreError("the store is away")

    monkeypatch.setattr(ledger, "publish_version", away)

    with pytest.raises(StoreError):
        taken.refresh()
    assert folders(taken) == before


def test_the_next_refresh_after_a_full_disk_is_right(taken: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(publish, "write", full)
        with pytest.raises(WwtError):
            taken.refresh()

    assert cells(taken.refresh()) == {A2}


def test_two_refreshes_of_one_folder_come_one_after_the_other(house: House) -> None:
    inside, most = 0, 0
    counting = threading.Lock()

    def load_errors(_: object) -> object:
        nonlocal inside, most
        with counting:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)  # long enough for the others to come in, if they could
        with counting:
            inside -= 1
        return columns(A1)

    house.sources["one"] = source(load_errors=load_errors)
    threads = [threading.Thread(target=house.report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1
    assert len(ledger.versions(house.store)) == 4


def test_whoever_waits_says_so(house: House, tmp_path: Path) -> None:
    told: list[str] = []
    waiting = threading.Event()

    def wait() -> None:
        def said() -> None:
            told.append("waiting")
            waiting.set()

        with publish.alone(tmp_path, said):
            told.append("in")

    with publish.alone(tmp_path, lambda: None):
        thread = threading.Thread(target=wait)
        thread.start()
        assert waiting.wait(10)
        told.append("out")
    thread.join()

    assert told == ["waiting", "out", "in"]


# -- killed -------------------------------------------------------------------

#: Every generation g: 40 workflows, each cell counts g, every log says g. A mix of two would show.
_SCRIPT = """
import sys
from pathlib import Path
from tests.services.refresh_house import House, columns, source
from wwt_framework.model import LogExcerpt, SiteStatus, Workflow
from wwt_framework.store import open_store

folder, generation = Path(sys.argv[1]), int(sys.argv[2])
names = [f"w{i:02}" for i in range(40)]
house = House(folder, open_store(f"sqlite:///{folder}/wwt.db"))
house.go_on(generation)
house.sources["one"] = source(
    list_workflows=[Workflow(name, campaign=f"g{generation}") for name in names],
    load_errors=columns(*((f"/{name}/one", 85, "T1_US_FNAL", generation) for name in names)),
    fetch_logs=lambda workflow, codes: [LogExcerpt(f"/{workflow.name}/one", 85, "T1_US_FNAL", text=f"g{generation}")],
    fetch_site_statuses=[SiteStatus(f"T{generation}")],
)
print("begun", flush=True)
house.report()
print("done", flush=True)
"""


def _refresh_in_a_process(folder: Path, generation: int) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(folder), str(generation)], stdout=subprocess.PIPE, text=True, cwd=root
    )


def _generation(board: Board) -> int:
    """The one generation that a snapshot shows everywhere."""
    snapshot = board.snapshot
    if snapshot.is_empty:
        return 0
    seen = set(snapshot.cube.cell_count.tolist())
    seen |= {int(campaign[1:]) for campaign in snapshot.campaigns}
    seen |= {int(site[1:]) for site in snapshot.sites}
    for name in snapshot.workflow_names():
        case = snapshot.case(name)
        assert case is not None
        seen |= {e.count for e in case.errors}
        seen |= {int(log.text[1:]) for log in case.logs}
        assert len(case.logs) == len(case.errors) == 1
    assert len(snapshot.workflow_names()) == 40
    (generation,) = seen
    return int(generation)


def _kill_again_and_again(tmp_path: Path, times: int) -> None:
    chance = random.Random(times)
    store = open_store(f"sqlite:///{tmp_path}/wwt.db")
    _run(tmp_path, 1)
    took = _run(tmp_path, 2)
    published = 2
    for generation in range(3, 3 + times):
        process = _refresh_in_a_process(tmp_path, generation)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(chance.uniform(0, took * 1.2))  # anywhere between the beginning and the end
        process.send_signal(signal.SIGKILL)
        done = "done" in process.stdout.read()
        process.wait()
        process.stdout.close()
        shown = _generation(Board(tmp_path / "data", store))
        assert shown in ({generation} if done else {published, generation})
        published = shown
    _run(tmp_path, 3 + times)
    assert _generation(Board(tmp_path / "data", store)) == 3 + times
    assert not list((tmp_path / "data" / "snapshots").glob(".*"))
    store.close()


def _run(folder: Path, generation: int) -> float:
    process = _refresh_in_a_process(folder, generation)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    began = time.monotonic()
    assert process.stdout.read() == "done\n"
    process.stdout.close()
    assert process.wait() == 0
    return time.monotonic() - began


@pytest.mark.slow
def test_a_refresh_killed_anywhere_leaves_a_whole_snapshot(tmp_path: Path) -> None:
    _kill_again_and_again(tmp_path, 5)


@pytest.mark.drill
def test_a_refresh_killed_anywhere_many_times_leaves_a_whole_snapshot(tmp_path: Path) -> None:
    _kill_again_and_again(tmp_path, 40)


def _read_while_refreshing(tmp_path: Path, generations: int) -> None:
    store = open_store(f"sqlite:///{tmp_path}/wwt.db")
    ticks = iter(range(10**9))
    board = Board(tmp_path / "data", store, clock=lambda: float(next(ticks)))  # looks every time it is asked
    stop, seen, wrong = threading.Event(), set(), []

    def read() -> None:
        while not stop.is_set():
            try:
                seen.add(_generation(board))
            except BaseException as err:  # noqa: BLE001  # told by the main thread
                wrong.append(err)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for generation in range(1, generations + 1):
        _run(tmp_path, generation)
    stop.set()
    for reader in readers:
        reader.join()
    store.close()
    assert not wrong, wrong[0]
    assert len(seen) > 1


@pytest.mark.slow
def test_readers_never_see_a_mix_of_two_snapshots(tmp_path: Path) -> None:
    _read_while_refreshing(tmp_path, 5)


@pytest.mark.drill
def test_readers_never_see_a_mix_of_two_snapshots_for_long(tmp_path: Path) -> None:
    _read_while_refreshing(tmp_path, 40)
