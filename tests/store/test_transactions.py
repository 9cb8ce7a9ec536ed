from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wwt_framework.errors import StoreError
from wwt_framework.store import Store, ledger, open_store


class Stumble(Exception):
    pass


def _stumble_while_writing(store: Store) -> None:
    with store.write():
        with store.write():
            ledger.mark_prep(store, "HIG-1")
        raise Stumble


def test_a_write_that_fails_leaves_nothing_behind_nested_ones_included(store: Store) -> None:
    with pytest.raises(Stumble):
        _stumble_while_writing(store)

    assert ledger.marked_preps(store) == {}


def test_the_connection_lasts_until_the_outermost_block_ends(store: Store) -> None:
    with store.connection():
        with store.connection():
            pass
        assert not store.database.is_closed()

    assert store.database.is_closed()


def test_threads_lose_none_of_each_other_s_writes(store: Store) -> None:
    def mark(number: int) -> None:
        ledger.mark_prep(store, f"HIG-{number:03d}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(mark, range(200)))

    assert sorted(ledger.marked_preps(store)) == [f"HIG-{number:03d}" for number in range(200)]


def test_the_memory_twin_works_from_several_threads() -> None:
    store = Store.memory()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ledger.mark_prep(store, f"HIG-{number}"), range(50)))

    assert len(ledger.marked_preps(store)) == 50
    store.close()


def test_a_counter_that_threads_read_and_raise_is_right(store: Store) -> None:
    memory = ledger.Memory(store, "tests.counter")
    memory["n"] = 0

    def raise_it(_: int) -> None:
        with store.write(alone="counter"):
            memory["n"] += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(raise_it, range(80)))

    assert memory["n"] == 80


COUNT = """
import sys
from wwt_framework.store import ledger, open_store
store = open_store(sys.argv[1])
memory = ledger.Memory(store, "tests.counter")
for _ in range(100):
    with store.write(alone="counter"):
        memory["n"] = memory.get("n", 0) + 1
store.close()
"""


def test_two_processes_that_write_at_once_lose_nothing(store: Store, url: str) -> None:
    writers = [subprocess.Popen([sys.executable, "-W", "error", "-c", COUNT, url]) for _ in range(2)]

    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert ledger.Memory(store, "tests.counter")["n"] == 200


def test_reading_goes_on_while_somebody_writes(store: Store) -> None:
    ledger.mark_prep(store, "HIG-1")
    writing, read = threading.Event(), threading.Event()

    def write() -> None:
        with store.write():
            ledger.mark_prep(store, "HIG-2")
            writing.set()
            assert read.wait(30)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(write)
        assert writing.wait(30)
        seen = list(ledger.marked_preps(store))
        read.set()
        done.result()

    assert seen == ["HIG-1"]


def _mark_many(store: Store) -> None:
    with store.write():
        for number in range(2000):
            ledger.mark_prep(store, f"HIG-{number}", "x" * 100)


def test_a_full_disk_is_said_in_words_and_loses_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/wwt.db")
    ledger.mark_prep(store, "HIG-1")
    with store.connection():
        store.database.execute_sql("pragma max_page_count = 1")  # as many as there are
        with pytest.raises(StoreError, match=r"wwt\.db: the disk is full; nothing was changed\. Make room"):
            _mark_many(store)
        store.database.execute_sql("pragma max_page_count = 1073741823")

    assert list(ledger.marked_preps(store)) == ["HIG-1"]
    assert store.check() == []
    store.close()


def test_another_process_that_never_stops_writing_is_said_in_words(tmp_path: Path) -> None:
    store, other = open_store(f"sqlite:///{tmp_path}/wwt.db"), open_store(f"sqlite:///{tmp_path}/wwt.db")
    with other.connection():
        other.database.execute_sql("pragma busy_timeout = 1")
        with (
            store.write(),
            pytest.raises(StoreError, match="another process has been writing for more than 10 seconds"),
            other.write(),
        ):
            pass
    store.close()
    other.close()


def _cut_connections_of_others(store: Store) -> None:
    with store.connection():
        store.database.execute_sql(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and datname = current_database()"
        )


@pytest.mark.needs("postgresql")
def test_a_connection_that_the_server_cut_is_replaced(postgresql: Callable[[], str]) -> None:
    url = postgresql()
    store, other = open_store(url), open_store(url)
    ledger.mark_prep(store, "HIG-1")
    _cut_connections_of_others(other)

    assert list(ledger.marked_preps(store)) == ["HIG-1"]
    store.close()
    other.close()


def _write_while_it_is_cut(store: Store, other: Store) -> None:
    with store.write():
        ledger.mark_prep(store, "HIG-1")
        _cut_connections_of_others(other)
        ledger.mark_prep(store, "HIG-2")


@pytest.mark.needs("postgresql")
def test_a_connection_cut_in_the_middle_is_said_in_words_and_the_next_one_works(postgresql: Callable[[], str]) -> None:
    url = postgresql()
    store, other = open_store(url), open_store(url)
    with pytest.raises(StoreError, match="nothing was changed"):
        _write_while_it_is_cut(store, other)

    assert ledger.marked_preps(store) == {}
    store.close()
    other.close()


@pytest.mark.needs("postgresql")
def test_no_connection_left_is_said_in_words(postgresql: Callable[[], str]) -> None:
    store = open_store(postgresql() + "&max_connections=1&timeout=1")

    def second() -> None:
        with store.connection():
            pass

    with store.connection(), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(second)
        with pytest.raises(StoreError, match="all connections of this process are in use"):
            asked.result()
    store.close()


FORK = """
import os, sys
from wwt_framework.store import ledger, open_store
store = open_store(sys.argv[1])
ledger.mark_prep(store, "parent")
with store.connection():
    child = os.fork()
    if not child:
        ledger.mark_prep(store, "child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    ledger.mark_prep(store, "parent again")
assert sorted(ledger.marked_preps(store)) == ["child", "parent", "parent again"]
store.close()
"""


def test_a_forked_child_has_connections_of_its_own(url: str) -> None:
    ran = subprocess.run([sys.executable, "-c", FORK, url], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr


# Each transaction writes a pair; a store that is whole never shows half of one.
PAIRS = """
import sys
from wwt_framework.store import ledger, open_store
store = open_store(sys.argv[1])
memory = ledger.Memory(store, "tests.pairs")
print("ready", flush=True)
while True:
    with store.write():
        n = memory.get("left", 0) + 1
        memory["left"] = n
        memory["filler"] = "x" * 20000 + str(n)
        memory["right"] = n
    print(n, flush=True)
"""


def _kill_in_the_middle(url: str, lines: int) -> int:
    """Kill a writer without warning after it said *lines* lines; the last number that it said was kept."""
    with subprocess.Popen([sys.executable, "-c", PAIRS, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(lines):
            assert writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        said = writer.stdout.read().split()
    return int(said[-1]) if said and said[-1].isdigit() else 0


def _kills(url: str, times: int) -> None:
    dice = random.Random(7)
    for _ in range(times):
        promised = _kill_in_the_middle(url, dice.randrange(1, 40))

        store = open_store(url)
        memory = ledger.Memory(store, "tests.pairs")
        assert store.check() == []
        assert memory.get("left") == memory.get("right")
        assert memory.get("left", 0) >= promised
        store.close()


@pytest.mark.slow
def test_a_writer_killed_in_the_middle_leaves_a_whole_store(url: str) -> None:
    _kills(url, 5)


@pytest.mark.drill
def test_a_writer_killed_a_hundred_times_leaves_a_whole_store(url: str) -> None:
    _kills(url, 100)
