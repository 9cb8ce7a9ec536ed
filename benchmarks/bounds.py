"""The least that the same questions can cost: what somebody would write who only had to answer this one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import orjson

Key = TypeVar("Key", int, str)

_NUMBER = re.compile(r"\d+").match
_PREP = re.compile(r"task_(.+?)__v").search


@dataclass(frozen=True)
class Table:
    """Columns sorted by task, code, site."""

    task: np.ndarray
    code: np.ndarray
    site: np.ndarray
    count: np.ndarray
    codes: list[int]
    sites: list[str]
    tasks: list[str]
    workflows: list[str]
    task_workflow: np.ndarray


def ingest(path: Path) -> Table:
    """An errors file -> columns: orjson, one loop, one sort."""
    raw = orjson.loads(path.read_bytes())
    codes: dict[int, int] = {}
    sites: dict[str, int] = {}
    tasks: list[str] = []
    rows: tuple[list[int], ...] = ([], [], [], [])
    for name, by_code in raw.items():
        if "LogCollect" in name or "Cleanup" in name:
            continue
        for word, by_site in by_code.items():
            if word == "NotReported":
                code, least = codes.setdefault(-1, len(codes)), 1
            elif _NUMBER(word):
                code, least = codes.setdefault(int(word), len(codes)), 0
            else:
                continue
            for site, count in by_site.items():
                if count or least:
                    at = sites.get(site)
                    if at is None:
                        at = sites[site] = len(sites)
                    rows[0].append(len(tasks))
                    rows[1].append(code)
                    rows[2].append(at)
                    rows[3].append(count or least)
        tasks.append(name)
    return _sorted(tasks, codes, sites, rows)


def _sorted(tasks: list[str], codes: dict[int, int], sites: dict[str, int], rows: tuple[list[int], ...]) -> Table:
    def ranked(known: dict[Key, int]) -> tuple[list[Key], np.ndarray]:
        keys = sorted(known)
        rank = np.empty(len(known), np.int32)
        rank[[known[key] for key in keys]] = np.arange(len(keys))
        return keys, rank

    task, code, site, count = (np.array(column, np.int32) for column in rows)
    code_keys, code_rank = ranked(codes)
    site_keys, site_rank = ranked(sites)
    order = sorted(range(len(tasks)), key=tasks.__getitem__)
    task_rank = np.empty(len(tasks), np.int32)
    task_rank[order] = np.arange(len(tasks))
    task, code, site = task_rank[task], code_rank[code], site_rank[site]
    sort = np.lexsort((site, code, task))
    names = [tasks[i] for i in order]
    workflows: list[str] = []
    task_workflow = np.empty(len(names), np.int32)
    for i, name in enumerate(names):
        workflow = name.split("/", 2)[1]
        if not workflows or workflows[-1] != workflow:
            workflows.append(workflow)
        task_workflow[i] = len(workflows) - 1
    return Table(task[sort], code[sort], site[sort], count[sort], code_keys, site_keys, names, workflows, task_workflow)


@dataclass(frozen=True)
class Pivot:
    """What is made once per file."""

    table: Table
    preps: list[str]
    prep: np.ndarray  # of every cell
    workflow_cells: np.ndarray  # pointer
    by_code_site: np.ndarray
    code_site_start: np.ndarray


def prepare(table: Table) -> Pivot:
    """Group ids and indexes."""
    names = [m.group(1) if (m := _PREP(w)) else w for w in table.workflows]
    preps = sorted(set(names))
    position = {prep: i for i, prep in enumerate(preps)}
    workflow = table.task_workflow[table.task]
    order = np.lexsort((workflow, table.site, table.code))
    key = table.code[order].astype(np.int64) * len(table.sites) + table.site[order]
    return Pivot(
        table, preps, np.array([position[name] for name in names], np.int32)[workflow],
        np.searchsorted(workflow, np.arange(len(table.workflows) + 1)), order,
        np.searchsorted(key, np.arange(len(table.codes) * len(table.sites) + 1)),
    )  # fmt: skip


def first_screen(p: Pivot, rows: int = 50) -> bytes:
    """PrepID x site x code summed; the *rows* prep ids with most errors: total and dominant code of each cell."""
    t = p.table
    n_sites, n_codes = len(t.sites), len(t.codes)
    key = (p.prep.astype(np.int64) * n_sites + t.site) * n_codes + t.code
    size = len(p.preps) * n_sites * n_codes
    if size <= 4 * len(key) + 10_000_000:
        sums = np.bincount(key, t.count, size)
        keys = np.flatnonzero(sums)
        sums = sums[keys].astype(np.int64)
    else:
        order = np.argsort(key, kind="stable")
        sorted_keys = key[order]
        first = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]])
        keys, sums = sorted_keys[first], np.add.reduceat(t.count[order].astype(np.int64), first)
    prep_site, code = np.divmod(keys, n_codes)
    prep, site = np.divmod(prep_site, n_sites)
    total = np.bincount(prep, sums, len(p.preps))
    top = np.argsort(-total, kind="stable")[:rows]
    wanted = np.zeros(len(total), bool)
    wanted[top] = True
    here = np.flatnonzero(wanted[prep])
    order = here[np.lexsort((-sums[here], prep_site[here]))]
    first = np.flatnonzero(np.r_[True, prep_site[order][1:] != prep_site[order][:-1]])
    counts = np.add.reduceat(sums[order], first)
    told = {
        "sites": t.sites,
        "rows": [{"prep": p.preps[i], "total": int(total[i])} for i in top.tolist()],
        "cells": np.stack([prep[order][first], site[order][first], code[order][first], counts])
        .astype(np.int32)
        .T.copy(),
    }
    return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)


def workflow(p: Pivot, index: int) -> bytes:
    """The tables of one workflow: a slice, a dense matrix per task."""
    t = p.table
    here = slice(int(p.workflow_cells[index]), int(p.workflow_cells[index + 1]))
    told = []
    for task in np.unique(t.task[here]).tolist():
        mine = t.task[here] == task
        codes, i = np.unique(t.code[here][mine], return_inverse=True)
        sites, j = np.unique(t.site[here][mine], return_inverse=True)
        matrix = np.zeros((len(codes), len(sites)), np.int32)
        matrix[i, j] = t.count[here][mine]
        told.append(
            {
                "task": t.tasks[task],
                "codes": [t.codes[c] for c in codes.tolist()],
                "sites": [t.sites[s] for s in sites.tolist()],
                "counts": matrix,
            }
        )
    return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)


def listing(p: Pivot, code: int, site: int) -> list[tuple[str, int]]:
    """The workflows of one code at one site by failed jobs, by their indices."""
    t = p.table
    at = code * len(t.sites) + site
    here = p.by_code_site[p.code_site_start[at] : p.code_site_start[at + 1]]
    workflow = t.task_workflow[t.task[here]]
    first = np.flatnonzero(np.r_[True, workflow[1:] != workflow[:-1]])
    sums = np.add.reduceat(t.count[here], first)
    order = np.argsort(-sums, kind="stable")
    return [(t.workflows[i], n) for i, n in zip(workflow[first][order].tolist(), sums[order].tolist(), strict=True)]


def busy_pairs(p: Pivot, n: int = 20) -> list[tuple[int, int]]:
    """*n* pairs of code and site from the busiest to the quietest, by their indices."""
    sizes = np.diff(p.code_site_start)
    used = np.flatnonzero(sizes)
    used = used[np.argsort(-sizes[used], kind="stable")]
    picked = used[np.linspace(0, len(used) - 1, n).astype(int)]
    return [divmod(int(at), len(p.table.sites)) for at in picked]
