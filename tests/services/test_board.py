"""The board: always one whole snapshot, the newest that can be read."""

from __future__ import annotations

import shutil
import threading

import pytest

from tests.services.refresh_house import House, cells, columns, source
from wwt_framework.errors import StoreError
from wwt_framework.services.board import Board
from wwt_framework.store import ledger

A1: tuple[str, int, str, int] = ("/a/one", 85, "T1_US_FNAL", 1)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(house: House, clock: Clock) -> Board:
    house.sources["one"] = source(load_errors=columns(A1))
    return Board(house.data_dir, house.store, clock)


def test_before_the_first_refresh_the_snapshot_is_empty(board: Board) -> None:
    assert board.snapshot.is_empty
    assert board.problem == ""


def test_the_last_snapshot_is_there_at_once_after_a_restart(board: Board, house: House) -> None:
    version = house.refresh().version

    assert board.snapshot.version == version


def test_a_newer_snapshot_is_looked_for_once_a_second(board: Board, house: House, clock: Clock) -> None:
    first = house.refresh().version
    assert board.snapshot.version == first
    second = house.refresh().version
    clock.now = 0.9
    early = board.snapshot.version
    clock.now = 1.0

    assert early == first
    assert board.snapshot.version == second


def test_a_snapshot_that_did_not_change_is_the_same_object(board: Board, house: House, clock: Clock) -> None:
    house.refresh()
    first = board.snapshot
    clock.now = 5.0

    assert board.snapshot is first


def test_a_broken_newest_snapshot_falls_back_to_the_one_before_and_says_so(board: Board, house: House) -> None:
    first = house.refresh().version
    folder = house.refresh().folder
    assert folder is not None
    (folder / "meta.json").write_bytes(b"{")

    assert board.snapshot.version == first
    assert board.problem.startswith("The newest snapshot can not be read, an older one is shown: ")
    assert str(folder) in board.problem


def test_a_running_board_keeps_what_it_shows_when_the_newest_is_broken(
    board: Board, house: House, clock: Clock
) -> None:
    house.refresh()
    shown = board.snapshot
    folder = house.refresh().folder
    assert folder is not None
    shutil.rmtree(folder)
    clock.now = 2.0

    assert board.snapshot is shown
    assert board.problem


def test_the_next_good_snapshot_ends_the_complaint(board: Board, house: House, clock: Clock) -> None:
    folder = house.refresh().folder
    assert folder is not None
    shutil.rmtree(folder)
    assert board.snapshot.is_empty
    version = house.refresh().version
    clock.now = 2.0

    assert board.snapshot.version == version
    assert board.problem == ""


def test_a_store_that_is_away_changes_nothing_but_the_complaint(
    board: Board, house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.refresh()
    shown = board.snapshot

    def away(*_: object, **__: object) -> None:
        raise StoreError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "current_version", away)
        clock.now = 2.0
        during, problem = board.snapshot, board.problem
    clock.now = 4.0

    assert during is shown
    assert "the store is away" in problem
    assert board.snapshot is shown
    assert board.problem == ""


def test_many_threads_get_whole_snapshots_while_newer_ones_come(board: Board, house: House, clock: Clock) -> None:
    house.refresh()
    wrong: list[object] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            snapshot = board.snapshot
            counts = {count for _, _, _, count in cells(snapshot)}
            if counts - {1} or snapshot.is_empty:
                wrong.append(counts)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        house.go_on()
        house.refresh()
        clock.now += 2.0
    stop.set()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_data_folder_may_move(house: House) -> None:
    house.sources["one"] = source(load_errors=columns(A1))
    version = house.refresh().version
    moved = house.data_dir.with_name("moved")
    house.data_dir.rename(moved)

    assert Board(moved, house.store).snapshot.version == version
