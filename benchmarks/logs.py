"""``python -m benchmarks.logs [TEXTS]``: mining message templates, and searching logs, as ratios of one run.

Mining is measured on real logs in ``$WWT_TEST_DATA/logs`` where they are, beside a plain tree of forty lines that
remembers nothing and tells no values. Searching is measured at TEXTS different texts (1,000,000 when none is given),
beside reading every text with LIKE, which is what a database does without an index for parts of words.

``python -m benchmarks.logs again [TEXTS] [URL]`` keeps TEXTS texts and then the same ones again, soon and two hours later, in
SQLite or in the empty PostgreSQL database at URL, and says what the processor did and how much was written.
``python -m benchmarks.logs search [TEXTS] [URL]`` does only the searching, in either.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.history import server_seconds, server_ticks
from benchmarks.house import cost
from benchmarks.table import time_words
from wwt_framework.store import Store, open_store
from wwt_framework.store.logs import Said, Wanted, open_log_index
from wwt_plugins.clustering.log_templates.masking import Mask, message_of, values_of
from wwt_plugins.clustering.log_templates.tree import Tree

DATA = Path(os.environ.get("WWT_TEST_DATA", "/nonexistent")) / "logs"
NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)

# -- mining --------------------------------------------------------------------

_MASKS = [
    (re.compile(pattern), word)
    for pattern, word in (
        (r"/[\w./+-]*", "<P>"), (r"\b[\w.-]+@[\w.-]+\b", "<M>"), (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b", "<I>"),
        (r"\b0x[0-9a-fA-F]+\b", "<H>"), (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b", "<U>"), (r"(?<![A-Za-z])[-+]?\d[\d.,:_-]*", "<N>"),
    )
]  # fmt: skip


def plain(texts: Sequence[str]) -> list[int]:
    """Drain without anything around it: masks, a tree of depth two, the nearest template of a leaf."""
    root: dict[Any, Any] = {}
    templates: list[list[str]] = []
    found: list[int] = []
    for text in texts:
        masked = text
        for pattern, word in _MASKS:
            masked = pattern.sub(word, masked)
        words = masked.split()
        node = root.setdefault(len(words), {})
        for word in words[:2]:
            many = word not in node and len(node) >= 100
            node = node.setdefault("<*>" if many or any(c.isdigit() for c in word) else word, {})
        leaf = node.setdefault(None, [])
        best, most = -1, (-1.0, -1)
        for k in leaf:
            same = sum(a == b and a != "<*>" for a, b in zip(templates[k], words, strict=True))
            rank = (same / max(len(words), 1), templates[k].count("<*>"))
            if rank > most:
                best, most = k, rank
        if best < 0 or most[0] < 0.4:
            templates.append(list(words))
            best = len(templates) - 1
            leaf.append(best)
        else:
            templates[best] = [a if a == b else "<*>" for a, b in zip(templates[best], words, strict=True)]
        found.append(best)
    return found


def ours(texts: Sequence[str]) -> list[str]:
    """What the plugin does in one round, without its file."""
    tree, mask = Tree(10_000), Mask()
    messages = {text: message_of(text) for text in texts}
    words = {message: mask.words(message) for message in sorted(set(messages.values()))}
    ids = {message: tree.add(tuple(word for word, _ in masked)) for message, masked in words.items() if masked}
    for message, masked in words.items():
        if masked:
            values_of(tree.grown[ids[message]].words, masked, message.split())
    return [ids.get(messages[text], "") for text in texts]


def accuracy(truth: Sequence[str], found: Sequence[Any]) -> float:
    """The share of lines whose group is exactly the group that people made."""
    groups: tuple[dict[Any, list[int]], dict[Any, list[int]]] = defaultdict(list), defaultdict(list)
    for i, pair in enumerate(zip(truth, found, strict=True)):
        for side, name in zip(groups, pair, strict=True):
            side[name].append(i)
    right = {tuple(lines) for lines in groups[0].values()}
    return sum(len(lines) for lines in groups[1].values() if tuple(lines) in right) / len(truth)


def corpora() -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, lines, and for each line the event that people say it is of (none at all where nobody said)."""
    for path in sorted((DATA / "loghub").glob("*_structured.csv.gz")):
        rows = list(_rows(path))
        yield path.name.partition("_")[0], [row["Content"] for row in rows], [row["EventId"] for row in rows]
    yield "CMS descriptions", [row["description"] for row in _rows(DATA / "cms_error_descriptions_190624.csv.gz")], []
    lines = (DATA / "cms_wmarchive_error_messages.jsonl").read_text().splitlines()
    yield "CMS messages", [json.loads(line)["message"] for line in lines], []
    yield "ATLAS jobs", [row["exeerrordiag"] for row in _rows(DATA / "clusterlog_error_messages.csv.gz")], []
    with gzip.open(DATA / "error-log-clustering_errors.txt.gz", "rt", encoding="utf-8", errors="replace") as file:
        yield "ATLAS errors", file.read().splitlines(), []


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path) as file:
        return list(csv.DictReader(io.TextIOWrapper(file, "utf-8", "replace", newline="")))


def mining() -> None:
    print(
        "| log | lines | events by people | templates | grouping accuracy | lines/s | plain tree: templates | lines/s | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    hit: list[float] = []
    for name, lines, truth in corpora():
        found, seconds = _best(partial(ours, lines))
        base, longer = _best(partial(plain, lines))
        right = accuracy(truth, found) if truth else None
        hit += [] if right is None else [right]
        print(
            f"| {name} | {len(lines):,} | {len(set(truth)) or ''} | {len(set(found)):,} | {'' if right is None else f'{right:.3f}'} "
            f"| {len(lines) / seconds:,.0f} | {len(set(base)):,} | {len(lines) / longer:,.0f} | {longer / seconds:.1f} |"
        )
    if hit:
        print(f"\nGrouping accuracy on average over {len(hit)} logs: {sum(hit) / len(hit):.3f}")


def _best(run: Callable[[], Any]) -> tuple[Any, float]:
    """What *run* gives, and the processor's seconds of the quickest of three runs."""
    times = []
    for _ in range(3):
        began = time.process_time()
        found = run()
        times.append(time.process_time() - began)
    return found, max(min(times), 1e-9)


# -- searching -----------------------------------------------------------------

_SHAPES = (
    (
        "An exception of category '{kind}' occurred while\n   [0] Processing run {n} event {m}\nException Message:\n"
        "Failed to open the file 'root://se{k}.example.org//store/mc/Run{k}/{n:012x}-{m:08x}.root'\n   error 3011"
    ),
    "Error in CMSSW step cmsRun1\nJob has exceeded maxPSS: 2000 MB\nJob has PSS: {m} MB\nprocess {n}",
    "The job was killed by the WMAgent for using too much wallclock time\nJob last known status was: {kind} {n}",
    "gfal-copy error: 70 (Communication error on send) - /store/unmerged/{n:012x}/{m}.root at T{k}_US_Site{k}",
)
WORKFLOWS = 20_000
_KINDS = ("FallbackFileOpenError", "FileReadError", "StdException", "BadAlloc", "Timeout", "NoRecord")


def said(total: int) -> Iterator[list[Said]]:
    """So many different texts, in the shapes of real ones."""
    draw = random.Random(1)  # nothing secret
    for begin in range(0, total, 5_000):
        batch = []
        for n in range(begin, min(begin + 5_000, total)):
            k, workflow = n % 4, f"pdmvserv_task_HIG-Run{n % WORKFLOWS:05d}__v1_T_261123_120000_{n % WORKFLOWS % 9_999}"
            text = _SHAPES[k].format(n=n, m=draw.randrange(10**8), k=n % 50, kind=draw.choice(_KINDS))
            batch.append(
                Said(text, workflow, f"/{workflow}/T{n % 3}", 8000 + n % 40, f"T2_US_Site{n % 60}", _KINDS[n % 6])
            )
        yield batch


SEARCHES: tuple[tuple[str, Wanted], ...] = (
    ("a part of a file's name that one text has", Wanted(("0000000f41a2",))),
    ("a word that a quarter of all has", Wanted(("maxPSS",))),
    ("two words", Wanted(("FallbackFileOpen", "se17.example"))),
    ("a word that nobody has", Wanted(("no-such-thing",))),
    ("a workflow by a part of its name", Wanted(("HIG-Run01234__v1",))),
    ("a workflow", Wanted(workflow="pdmvserv_task_HIG-Run01234__v1_T_261123_120000_1234")),
    ("a word at one site with one code", Wanted(("killed",), exit_code=8002, site="T2_US_Site2")),
)


def searching(total: int, url: str = "") -> None:
    with tempfile.TemporaryDirectory(prefix="wwt-bench-") as folder:
        store = open_store(url or f"sqlite:///{folder}/wwt.db")
        index = open_log_index(store, Path(folder))
        began, size = time.perf_counter(), 0
        for batch in said(total):
            index.keep(batch, NOON)
            size += sum(len(one.text) for one in batch)
        seconds = time.perf_counter() - began
        disk = _on_disk(store, Path(folder))
        began = time.perf_counter()
        for _, batch in zip(range(10), said(total), strict=False):
            index.keep(batch, NOON)
        again = (time.perf_counter() - began) / 10 / 5_000
        print(
            f"\n{total:,} texts, {size / 1e6:,.0f} MB: taken in at {total / seconds:,.0f} texts/s, seen again at {1 / again:,.0f} texts/s,"
        )
        print(f"{disk / 1e6:,.0f} MB on disk, {disk / size:.1f} times the texts\n")
        print("| searched for | texts found | ms | reading all, ms | ratio |")
        print("|---|---|---|---|---|")
        for words, wanted in SEARCHES:
            (_, found, more), ms = _clock(partial(index.search, wanted, 50))
            _, slow = _clock(partial(_read_all, store, Path(folder), wanted))
            print(
                f"| {words} | {found:,}{' of the newest 10,000' if more else ''} | {ms:,.1f} | {slow:,.0f} | {slow / ms:,.1f} |",
                flush=True,
            )
        store.close()


def _on_disk(store: Store, folder: Path) -> int:
    if store.is_sqlite:
        return sum(path.stat().st_size for path in folder.glob("logs.db*"))
    with store.connection():
        told = "select sum(pg_total_relation_size(oid)) from pg_class where relkind = 'r' and relname like 'log\\_%%'"
        return int(store.database.execute_sql(told).fetchone()[0])


def _read_all(store: Store, folder: Path, wanted: Wanted) -> int:
    """How many texts have the first word, found by reading all of them."""
    like = f"%{wanted.words[0] if wanted.words else wanted.workflow}%"
    if store.is_sqlite:
        with sqlite3.connect(folder / "logs.db") as db:
            return len(db.execute("select id from log_text where text like ?", [like]).fetchall())
    with store.connection():
        # A condition on an expression finds no index.
        return len(store.database.execute_sql("select id from log_text where text || '' ilike %s", [like]).fetchall())


def _clock(run: Callable[[], Any]) -> tuple[Any, float]:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        found = run()
        times.append((time.perf_counter() - began) * 1000)
    return found, sorted(times)[1]


# -- again ---------------------------------------------------------------------


def _keep_all(index: Any, batches: list[Any], at: datetime) -> None:
    for batch in batches:
        index.keep(batch, at)


def again(total: int, url: str) -> None:
    """A refresh that tells what the one before told."""
    with tempfile.TemporaryDirectory(prefix="wwt-bench-") as folder:
        store = open_store(url or f"sqlite:///{folder}/wwt.db")
        index = open_log_index(store, Path(folder))
        print(f"\n{total:,} texts, {url.partition(':')[0] or 'sqlite'}\n")
        print("| | texts/s of the processor | by the clock | of the server | written |\n|---|---|---|---|---|")
        for words, at in (
            ("new", NOON),
            ("again after 15 minutes", NOON + timedelta(minutes=15)),
            ("again after two hours", NOON + timedelta(hours=2)),
        ):
            batches = list(said(total))
            before, begun = _written(store), server_ticks()
            took = cost(_keep_all, index, batches, at)
            served = time_words(server_seconds(begun)) if url else ""
            written = _written(store) - before
            print(
                f"| {words} | {total / took.cpu:,.0f} | {total / took.wall:,.0f} | {served} | {written / 1e6:,.1f} MB |",
                flush=True,
            )
        store.close()


def _written(store: Store) -> int:
    """Bytes that were written until now: by this process, or into the server's log."""
    if store.is_sqlite:
        told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        return int(told["wchar"])
    with store.connection():
        rows = store.database.execute_sql("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")
        return int(rows.fetchone()[0])


def main() -> None:
    what, *rest = [*sys.argv[1:], ""]
    if what in ("again", "search"):
        total, url = int(rest[0] or 100_000), rest[1] if len(rest) > 2 else ""  # the last one is empty
        (again if what == "again" else searching)(total, url)
        return
    if DATA.is_dir():
        mining()
    searching(int(what or 1_000_000))


if __name__ == "__main__":
    main()
