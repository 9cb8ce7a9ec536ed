"""Make the parameters of the made-up grid from tables of a real one: ``python tools/world_parameters.py DATA``.

Then ``python tools/world_calibrate.py``.

DATA is the folder with ``statistics/`` and ``workflows/``; none of its files is kept.
What comes out are shares, quantiles and means, each with its source.
What is judged and not counted is in ``world_judged.py``, and is marked so in what comes out.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from world_freezing import KNOTS, freeze, mean_of, share, to_mean
from world_judged import AFFINITY, ANALOG, CAUSES, CHAINS, CONFIGURATION, SLOT_WEIGHTS

TYPES = ("Production", "Processing", "Merge")
N_CLASSES = 14
#: Tasks of which every site is told that they are not reported: those without input. 4,389 of 33,586 (REALISM 2).
FAKE_CELLS = 4389
#: Workflows that run and have failed jobs, and those of them that have none but in LogCollect and Cleanup (REALISM 3).
RUNNING, QUIET = 1338, 435
#: Where a quantile function of small numbers is read: at eight knots their steps would be lost.
POINTS = np.linspace(0, 1, 81)
ACTED_TASKS, ACTED_CELLS, RUNNING_STEPS = 33_586, 147_190, 1_823

Rows = list[dict[str, str]]


def table(folder: Path, name: str) -> Rows:
    with (folder / "statistics" / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


class Sample:
    """The 70 % of the documents of 2019-06-24 that are at hand, as steps with errors."""

    def __init__(self, folder: Path) -> None:
        with gzip.open(folder / "workflows" / "workflowmonit_docs_190624.json.gz", "rt") as text:
            docs = json.load(text)
        self.docs = docs
        self.steps: list[tuple[str, Counter[tuple[int, str]], list[str]]] = []
        self.per_workflow: list[int] = []
        told = [any(_counts(task) for task in doc["tasks"]) for doc in docs]
        self.rates: list[float] = [doc["failureRate"] for doc, some in zip(docs, told, strict=True) if some]
        self.quiet = [doc for doc, some in zip(docs, told, strict=True) if not some]
        for doc in docs:
            mine = [self._step(task) for task in doc["tasks"] if _counts(task)]
            self.steps += mine
            self.per_workflow += [len(mine)] if mine else []

    @staticmethod
    def _step(task: dict[str, Any]) -> tuple[str, Counter[tuple[int, str]], list[str]]:
        cells: Counter[tuple[int, str]] = Counter()
        for error in task["errors"]:
            cells[int(error["errorCode"]), error["siteName"]] += error["counts"]
        return task["jobType"], cells, list(task["siteNotReported"])


def _counts(task: dict[str, Any]) -> bool:
    return task["jobType"] in TYPES and bool(task["errors"])


def quantiles(values: list[float]) -> list[float]:
    return [float(v) for v in np.quantile(np.array(values, float), KNOTS)]


def latent_classes(sample: Sample, codes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Patterns of codes: P(class | type) and P(code | class), by expectation maximisation."""
    x = np.array([[code in {c for c, _ in cells} for code in codes] for _, cells, _ in sample.steps], float)
    kind = np.array([TYPES.index(t) for t, _, _ in sample.steps])
    rng = np.random.default_rng(5)
    shares = np.full(N_CLASSES, 1 / N_CLASSES)
    p = np.clip(rng.dirichlet(np.ones(8), (N_CLASSES, len(codes)))[:, :, 0] + x.mean(0), 0.002, 0.9)
    types = np.full((N_CLASSES, len(TYPES)), 1 / len(TYPES))
    for _ in range(400):
        log = x @ np.log(p.T) + (1 - x) @ np.log(1 - p.T) + np.log(types[:, kind].T) + np.log(shares)
        log -= log.max(1, keepdims=True)
        of = np.exp(log)
        of /= of.sum(1, keepdims=True)
        weight = of.sum(0) + 1e-9
        shares = weight / weight.sum()
        p = np.clip((of.T @ x + 0.02 * x.mean(0)) / (weight[:, None] + 0.02), 1e-5, 0.995)
        types = (np.array([of[kind == t].sum(0) for t in range(len(TYPES))]).T + 0.02) / (weight[:, None] + 0.06)
    by_type = (types * shares[:, None]).T
    return by_type / by_type.sum(1, keepdims=True), p


def spreads(sample: Sample) -> tuple[dict[int, list[float]], dict[int, list[float]], dict[int, dict[str, float]]]:
    """Code -> sites of a step, failed jobs of a cell (as quantiles), and shares of cells that name no site."""
    sites: dict[int, list[float]] = defaultdict(list)
    counts: dict[int, list[float]] = defaultdict(list)
    nowhere: dict[int, Counter[str]] = defaultdict(Counter)
    for _, cells, _ in sample.steps:
        for code, n in Counter(code for code, _ in cells).items():
            sites[code].append(n)
        for (code, site), n in cells.items():
            counts[code].append(n)
            nowhere[code][site if site in ("Unknown", "NoReportedSite") else ""] += 1
    shares = {c: {s: round(n / sum(k.values()), 4) for s, n in k.items() if s} for c, k in nowhere.items()}
    return {c: quantiles(v) for c, v in sites.items()}, {c: quantiles(v) for c, v in counts.items()}, shares


class Maker:
    """Puts the two populations together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sample = Sample(folder)
        self.sites, self.counts, self.nowhere = spreads(self.sample)
        self.by_code = {int(r["exit_code"]): r for r in table(folder, "wmstats_190624_by_exitcode.csv")}
        self.classes = latent_classes(self.sample, sorted(self.by_code))
        self.names = self._sites()

    def _sites(self) -> list[str]:
        axes = json.loads((self.folder / "sites" / "actionshistory_2019_all_sites_all_errors.json").read_text())
        seen = {r["site"] for r in table(self.folder, "wmstats_190624_by_site.csv")}
        # One is written with a space that does not break in the models' axes: the same site twice.
        return sorted((set(axes["all_sites"]) | seen | set(self._fake())) - {"T3_US_NERSC\xa0"})

    def _fake(self) -> list[str]:
        longest = max((names for _, _, names in self.sample.steps), key=len)
        return sorted(set(longest))

    def _not_reported(self) -> Counter[str]:
        return Counter(name for _, _, names in self.sample.steps if len(names) < 90 for name in names)

    def _few(self) -> list[float]:
        """How many sites are told as not reported, of tasks with input."""
        return [len(names) for _, _, names in self.sample.steps if len(names) < 90]

    # -- what runs --

    def running(self) -> dict[str, Any]:
        codes = sorted(self.by_code)
        tilt = self._tilt()
        steps = {c: int(self.by_code[c]["tasks"]) for c in codes}
        cells = {c: int(self.by_code[c]["cells"]) for c in codes}
        jobs = {c: int(self.by_code[c]["jobs"]) for c in codes}
        ratio = [tilt.get(c, tilt.get(ANALOG_BACK.get(c, 0), 1.0)) for c in codes]
        return {
            "codes": codes,
            "steps_share": [steps[c] / RUNNING_STEPS for c in codes],
            "tilt": ratio,
            "classes": self.classes[1].round(5).tolist(),
            "spread": [to_mean(self.sites.get(c, [1.0] * 8), cells[c] / steps[c]) for c in codes],
            "counts": [to_mean(self.counts.get(c, [1.0] * 8), jobs[c] / cells[c]) for c in codes],
            "cells_share": [cells[c] / sum(cells.values()) for c in codes],
            "jobs_share": [jobs[c] / sum(jobs.values()) for c in codes],
            "mean_jobs": [max(1.0, jobs[c] / cells[c]) for c in codes],
            "nowhere": [self._noise(c) for c in codes],
            **self._running_sites(),
        }

    def _running_sites(self) -> dict[str, Any]:
        rows = {r["site"]: r for r in table(self.folder, "wmstats_190624_by_site.csv")}
        cells = [int(rows[s]["cells"]) if s in rows else 0 for s in self.names]
        jobs = [int(rows[s]["jobs"]) if s in rows else 0 for s in self.names]
        few = self._not_reported()
        return {
            "site_cells": share(cells), "site_jobs": share(jobs), **_places(self.names, cells, jobs),
            "not_reported": share([few[s] for s in self.names]),
            "not_reported_sites": [round(float(v), 3) for v in np.quantile(self._few(), POINTS)],
        }  # fmt: skip

    def _noise(self, code: int) -> list[float]:
        known = self.nowhere.get(code) or self.nowhere.get(ANALOG.get(code, 0), {})
        return [known.get("Unknown", 0.0), known.get("NoReportedSite", 0.0)]

    # -- what operators acted on --

    def _acted_codes(self) -> dict[int, dict[str, str]]:
        rows = {int(r["exit_code"]): r for r in table(self.folder, "actionshistory_20190730_by_exitcode.csv")}
        return {c: rows[c] for c in sorted(rows) if c > 0}

    def _tilt(self) -> dict[int, float]:
        """Code -> how much more often it is in tasks that operators did not give an ACDC."""
        rows = self._acted_codes()
        acdc = {c: float(r["cells_acdc_est"]) for c, r in rows.items()}
        other = {c: float(r["cells_nonacdc_est"]) for c, r in rows.items()}
        a, o = sum(acdc.values()), sum(other.values())
        return {c: (other[c] / o + 1e-5) / (acdc[c] / a + 1e-5) for c in rows}

    def acted(self) -> dict[str, Any]:
        rows = self._acted_codes()
        codes = list(rows)
        known = sorted(self.by_code)
        column = {c: known.index(ANALOG.get(c, c)) if ANALOG.get(c, c) in known else None for c in codes}
        average = self.classes[1].mean(1)
        base = np.stack([average if column[c] is None else self.classes[1][:, column[c] or 0] for c in codes], 1)
        cells = {c: float(rows[c]["cells_total_est"]) for c in codes}
        jobs = {c: float(rows[c]["jobs_total_est"]) for c in codes}
        total = sum(cells.values())
        spread = []
        for c in codes:
            like = ANALOG.get(c, c)
            known_sites = self.sites.get(like, [1, 1, 1, 1, 2, 3, 6, 12.0])
            row = self.by_code.get(like)
            spread.append(to_mean(known_sites, int(row["cells"]) / int(row["tasks"]) if row else 1.4))
        means = [mean_of(s) for s in spread]
        tilt = self._tilt()
        return {
            "codes": codes,
            "steps_share": [cells[c] * ACTED_CELLS / total / m / ACTED_TASKS for c, m in zip(codes, means, strict=True)],
            "tilt": [tilt[c] for c in codes],
            "classes": base.round(5).tolist(),
            "spread": spread,
            "counts": [
                to_mean(self.counts.get(ANALOG.get(c, c), [1, 1, 2, 4, 14, 38, 200, 2000.0]), max(1.0, jobs[c] / cells[c]))
                for c in codes
            ],
            "cells_share": [cells[c] / total for c in codes],
            "jobs_share": [jobs[c] / sum(jobs.values()) for c in codes],
            "mean_jobs": [max(1.0, jobs[c] / cells[c]) for c in codes],
            "cells_acdc": share([float(rows[c]["cells_acdc_est"]) for c in codes]),
            "cells_other": share([float(rows[c]["cells_nonacdc_est"]) for c in codes]),
            "nowhere": [self._noise(c) for c in codes],
            **self._acted_sites(),
            "months": [
                [r["month"], int(r["tasks_est"]), float(r["nonacdc_fraction_est"])]
                for r in table(self.folder, "actionshistory_20190730_by_month.csv")
            ],
            "actions": [
                [r["action"], r["splitting"], int(r["tasks"])]
                for r in table(self.folder, "actionshistory_201903_action_x_splitting.csv")
            ],
            "parameters": [
                [r["parameter"], r["value"], float(r["percent_of_9522_tasks"])]
                for r in table(self.folder, "actionshistory_20180618_parameter_percentages.csv")
            ],
        }  # fmt: skip

    def _acted_sites(self) -> dict[str, Any]:
        """Sites by rank. The plots name 44 of them; the other ranks get the names that are left, the known ones first.

        The cells of the plots hold the not reported ones: those of tasks without input are the same number for
        each of 101 sites; of the rest the share of failed jobs is that of what runs.
        """
        rows = table(self.folder, "actionshistory_20190730_by_site_rank.csv")
        running = {r["site"]: int(r["cells"]) for r in table(self.folder, "wmstats_190624_by_site.csv")}
        all_cells = _named(
            rows, "site_by_cells(label read from plot)", "cells_est", self.names, running, set(self._fake())
        )
        all_jobs = _named(
            rows, "site_by_jobs(label read from plot)", "jobs_est", self.names, running, set(self._fake())
        )
        fake, few = set(self._fake()), self._not_reported()
        room = {s: max(0.0, all_cells[s] - (FAKE_CELLS if s in fake else 0)) for s in self.names}
        scale = ACTED_CELLS / sum(running.values())
        real = {}
        for s in self.names:
            likely = running.get(s, 0) * scale
            real[s] = room[s] if few[s] == 0 and running.get(s, 0) > 0 else min(likely, 0.8 * room[s])
        rest = {s: max(0.0, room[s] - real[s]) for s in self.names}
        jobs = {s: max(real[s], all_jobs[s] - (all_cells[s] - real[s])) for s in self.names}
        return {
            "site_cells": share([real[s] for s in self.names]),
            "site_jobs": share([jobs[s] for s in self.names]),
            **_places(self.names, [real[s] for s in self.names], [jobs[s] for s in self.names]),
            "not_reported": share([rest[s] for s in self.names]),
            "not_reported_sites": np.interp(POINTS, KNOTS, to_mean(quantiles(self._few()), 3.8)).round(3).tolist(),
            "all_cells": share([all_cells[s] for s in self.names]),
            "all_jobs": share([all_jobs[s] for s in self.names]),
        }

    # -- both --

    def whole(self) -> dict[str, Any]:
        return {
            "about": "Shares, quantiles and means; made by tools/world_parameters.py. Sources by key below.",
            "sources": SOURCES,
            "knots": list(KNOTS),
            "types": list(TYPES),
            "class_by_type": self.classes[0].round(5).tolist(),
            "causes": list(CAUSES),
            "affinity": {str(c): list(a) for c, a in AFFINITY.items()},
            "configuration_codes": list(CONFIGURATION),
            "chains": CHAINS,
            "slot_weights": SLOT_WEIGHTS,
            "sites": self.names,
            "fake": self._fake(),
            "steps_per_workflow": share([Counter(self.sample.per_workflow)[n] for n in range(1, 9)]),
            "failure_rates": np.quantile([max(r, 1e-5) for r in self.sample.rates], POINTS).round(6).tolist(),
            "quiet": {
                "share": round(QUIET / RUNNING, 5),
                "failure_rates": np.quantile([d["failureRate"] for d in self.sample.quiet], POINTS).round(6).tolist(),
                "jobs": quantiles([doc["totalError"] for doc in self.sample.quiet]),
            },
            "names": self._names(),
            "running": self.running(),
            "acted": self.acted(),
        }

    def _names(self) -> dict[str, Any]:
        """Shares of requestors, physics groups and campaigns among 3,004 names."""
        with (self.folder / "workflows" / "monit_workflow_names_2019.csv").open(encoding="utf-8") as lines:
            names = [row["workflow"] for row in csv.DictReader(lines)]
        pattern = re.compile(r"([a-z]+)_(?:task_)?([A-Z0-9]{3})-(\w+)-(\d{5})__v\d_T_")
        mc = [m for m in map(pattern.match, names) if m]
        follow: dict[str, Counter[str]] = defaultdict(Counter)
        with gzip.open(self.folder / "workflows" / "real_all_errors_190624.json.gz", "rt") as text:
            for path in json.load(text):
                head = pattern.match(path.split("/")[1])
                later = [re.match(r"[A-Z0-9]{3}-(\w+?)-\d{5}_", part) for part in path.split("/")[2:]]
                for m in later:
                    if head and m and m[1] != head[3]:
                        follow[head[3]][m[1]] += 1
        return {
            "groups": _top(Counter(m[2] for m in mc)),
            "campaigns": _top(Counter(m[3] for m in mc)),
            "follow": {campaign: [c for c, _ in f.most_common(6)] for campaign, f in sorted(follow.items())},
            "monte_carlo": round(len(mc) / len(names), 4),
        }


def _places(names: list[str], cells: list[Any], jobs: list[Any]) -> dict[str, Any]:
    """Where small and large cells lie, to begin with; `calibrated` mends it."""
    placed = np.array([name not in ("Unknown", "NoReportedSite") for name in names])
    a, b = np.array(cells, float) * placed, np.array(jobs, float) * placed
    big = np.maximum(b / b.sum() - 0.06 * a / a.sum(), 0)
    return {"small": share((a + 1e-9).tolist()), "big": share((big + 1e-9).tolist())}


def _named(
    rows: Rows, label: str, value: str, names: list[str], running: dict[str, int], fake: set[str]
) -> dict[str, float]:
    """*value* of each of *names*; the ranks without a name go to those told for tasks without input, then to others."""
    told = {r[label]: float(r[value]) for r in rows if r[label]}
    left = sorted((s for s in names if s not in told), key=lambda s: (s not in fake, -running.get(s, 0), s))
    blank = [float(r[value]) for r in rows if not r[label]]
    return {**dict.fromkeys(names, 0.0), **told, **dict(zip(left, blank, strict=False))}


def _top(counts: Counter[str]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: round(n / total, 5) for name, n in counts.most_common()}


#: What runs -> the shell code that the same thing had until 2019-02 (WMCore 9009).
ANALOG_BACK = {8028: 92, 8021: 85, 50115: 139}

SOURCES = {
    "classes, class_by_type": "latent classes of the 1,270 steps of 2019-06-24 that are at hand (OSDroid snapshot)",
    "running.steps_share, spread, counts, cells_share": "wmstats_190624_by_exitcode.csv; shapes from the same steps",
    "running.site_*": "wmstats_190624_by_site.csv",
    "acted.*": "actionshistory_20190730_by_exitcode.csv, _by_site_rank.csv, _by_month.csv; _201903_action_x_splitting.csv; "
    "_20180618_parameter_percentages.csv. Of codes that 2019-06 does not have, shapes are those of their successor",
    "tilt": "cells of tasks with and without an ACDC, actionshistory_20190730_by_exitcode.csv",
    "steps_per_workflow, failure_rates, quiet, fake, not_reported": "the same documents of 2019-06-24",
    "names": "monit_workflow_names_2019.csv; real_all_errors_190624.json.gz for what follows what",
    "affinity, configuration_codes, chains, slot_weights": "judged, from procedures and from the depths of REALISM",
}


if __name__ == "__main__":
    freeze(Maker(Path(sys.argv[1])).whole())
