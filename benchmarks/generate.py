"""Made-up error files of any size, for measurements: ``all_errors.json`` and ``prodstatus.txt``.

A workflow has a latent way of failing (Zipf popularity): 1 to 4 dominant exit codes over a global background,
at one site, a few, or everywhere; each of its tasks keeps it with p = 0.85; counts are log-normal.
Four tasks a workflow, about twelve cells a task, 50 codes, 120 sites; the same seed gives the same file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

CODES = [
    50660, 8021, 8028, 99109, 8001, 73, 99303, 50664, 71304, 84, 92, 85, 134, 139, 8020, 8002, 50115, 60321, 71104,
    71305, 11003, 66, 60450, 8022, 8027, 8009, 8004, 137, 143, 65, 60311, 60324, 70452, 71102, 81, 86, 8006, 8018,
    8026, 8030, 80, 127, 50513, 50661, 60403, 61202, 70318, 99304, 99305,
]  # fmt: skip
SITES = [f"T{1 if i < 7 else 2 if i < 61 else 3}_XX_Site{i:03d}" for i in range(120)]
CAMPAIGNS = [f"RunIISummer20UL{year}wmLHEGEN" for year in ("16", "17", "18")] + ["RunIIAutumn18DRPremix"]
GROUPS = ["B2G", "BPH", "EXO", "HIG", "SMP", "SUS", "TOP"]
SUFFIXES = ["_0", "_0/{p}_0MergeRAWSIMoutput", "_0/{p}_0MergeRAWSIMoutput/{p}_1", "_2"]
MODES = 24
TASKS = len(SUFFIXES)


@dataclass(frozen=True)
class Cells:
    """Sorted by task; ``code == len(CODES)`` is NotReported, which carries 0 in the files."""

    tasks: list[str]
    task: np.ndarray
    code: np.ndarray
    site: np.ndarray
    count: np.ndarray


def _zipf(n: int, exponent: float) -> np.ndarray:
    weights: np.ndarray = 1.0 / np.arange(1, n + 1) ** exponent
    shares: np.ndarray = weights / weights.sum()
    return shares


def _modes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative shares of codes and sites, a row for each way of failing."""
    n_codes, n_sites = len(CODES) + 1, len(SITES)
    codes, sites = _zipf(n_codes, 1.25), rng.permutation(_zipf(n_sites, 0.7))
    by_code, by_site = np.empty((MODES, n_codes)), np.empty((MODES, n_sites))
    for mode in range(MODES):
        dominant = rng.choice(n_codes, size=rng.integers(1, 5), replace=False, p=codes)
        by_code[mode] = 0.3 * codes
        by_code[mode, dominant] += 0.7 * rng.dirichlet(np.full(len(dominant), 2.0))
        spread = (1, int(rng.integers(3, 9)), n_sites)[int(rng.choice(3, p=[0.25, 0.4, 0.35]))]
        here = rng.choice(n_sites, size=spread, replace=False, p=sites) if spread < n_sites else np.arange(n_sites)
        by_site[mode] = 0.25 * sites if spread < n_sites else 0.0
        by_site[mode, here] += (0.75 if spread < n_sites else 1.0) * sites[here] / sites[here].sum()
    return np.cumsum(by_code, 1), np.cumsum(by_site, 1)


def cells(workflows: int, seed: int = 20210301, per_task: float = 12.0) -> Cells:
    """The failed jobs of *workflows* workflows."""
    rng = np.random.default_rng(seed)
    by_code, by_site = _modes(rng)
    popularity = _zipf(MODES, 0.6)
    mode = np.repeat(rng.choice(MODES, size=workflows, p=popularity), TASKS)
    kept = rng.random(len(mode)) < 0.85
    mode = np.where(kept, mode, rng.choice(MODES, size=len(mode), p=popularity))
    row = np.repeat(np.arange(len(mode)), 1 + rng.poisson(1.22 * per_task, len(mode)))
    drawn, code, site = mode[row], np.empty(len(row), np.int64), np.empty(len(row), np.int64)
    u, v = rng.random(len(row)), rng.random(len(row))
    for m in range(MODES):
        mine = np.flatnonzero(drawn == m)
        code[mine] = np.searchsorted(by_code[m], u[mine] * by_code[m, -1], side="right")
        site[mine] = np.searchsorted(by_site[m], v[mine] * by_site[m, -1], side="right")
    n_codes, n_sites = len(CODES) + 1, len(SITES)
    key = np.unique((row * n_codes + np.minimum(code, n_codes - 1)) * n_sites + np.minimum(site, n_sites - 1))
    task_code, site = np.divmod(key, n_sites)
    task, code = np.divmod(task_code, n_codes)
    count = 1 + np.floor(rng.lognormal(1.2, 1.3, len(key))).astype(np.int64)
    return Cells(_tasks(workflows, rng), task, code, site, np.where(code == len(CODES), 0, count))


def _tasks(workflows: int, rng: np.random.Generator) -> list[str]:
    tasks = []
    first = max(1, workflows // 2)
    for i in range(workflows):
        group = i if i < first else int(rng.integers(first))  # the second half are ACDCs of the first
        prep = f"{GROUPS[group % len(GROUPS)]}-{CAMPAIGNS[group % len(CAMPAIGNS)]}-{group:05d}"
        head = "gridops_task" if i < first else f"gridops_ACDC{i % 3}_task"
        day, second = divmod(int(rng.integers(86400 * 300)), 86400)
        stamp = f"21{1 + day // 28:02d}{1 + day % 28:02d}_{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"
        # At most four digits: with five a name is none that a request can have, and tells no prep id.
        name = f"{head}_{prep}__v1_T_{stamp}_{i % 10_000}"
        tasks += [f"/{name}/{prep}{suffix.format(p=prep)}" for suffix in SUFFIXES]
    return tasks


def write(folder: Path, workflows: int) -> Path:
    """Write the files into *folder*; returns the errors file. A second call with the same size does nothing."""
    path = folder / "all_errors.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = cells(workflows)
        path.write_bytes(orjson.dumps(as_json(made)))
        colours = np.random.default_rng(11).choice(["green", "yellow", "red"], len(SITES), p=[0.8, 0.08, 0.12])
        words = {"green": "enabled", "yellow": "drain", "red": "disabled"}
        (folder / "prodstatus.txt").write_text(
            "".join(
                f"2021-03-01 00:15:00 {site} {words[colour]} {colour} https://example.org/{site}\n"
                for site, colour in zip(SITES, colours.tolist(), strict=True)
            )
        )
    return path


def as_json(made: Cells) -> dict[str, dict[str, dict[str, int]]]:
    """``{task: {code: {site: n}}}``, in the order of the tasks."""
    names = [str(code) for code in CODES] + ["NotReported"]
    told: dict[str, dict[str, dict[str, int]]] = {task: {} for task in made.tasks}
    rows = zip(made.task.tolist(), made.code.tolist(), made.site.tolist(), made.count.tolist(), strict=True)
    for task, code, site, count in rows:
        told[made.tasks[task]].setdefault(names[code], {})[SITES[site]] = count
    return told
