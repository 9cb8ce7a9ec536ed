"""Move what is drawn in the made-up grid until what comes out is what was counted: ``python tools/world_calibrate.py``.

After ``world_parameters.py``; the file is frozen anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from world_freezing import freeze, mean_of, share, to_mean

from wwt_plugins.errors.world.draws import bits, pick, uniform
from wwt_plugins.errors.world.failures import Failed, Failures
from wwt_plugins.errors.world.parameters import CHAIN_SHARES, Parameters, read_raw, ready
from wwt_plugins.errors.world.sites import PLACE


def calibrated(raw: dict[str, Any], rounds: int = 10, workflows: int = 60_000) -> dict[str, Any]:
    """*raw* with what is drawn moved until what comes out is what was counted: codes and sites by failed jobs.

    Needed because the draws hang together: what fails at many sites fails more often, too.
    """
    for turn in range(rounds):
        parameters = ready(raw)
        for name in ("running", "acted"):
            _correct(raw[name], _drawn(parameters, name, turn, workflows), raw["sites"])
    return raw


def _drawn(parameters: Parameters, name: str, turn: int, workflows: int) -> tuple[Failed, int]:
    key = bits(1000 + turn, np.arange(workflows))
    wrong = uniform(key, 1) < 0.05
    population = parameters.populations[name]
    at = 1.5e9 + uniform(key, 2) * 3e8
    failed = Failures(turn, population, parameters).make(key, pick(CHAIN_SHARES, uniform(key, 3)), wrong, at, 0)
    return failed, len(population.codes)


def _correct(mine: dict[str, Any], drawn: tuple[Failed, int], sites: list[str]) -> None:
    failed, codes = drawn
    place = np.argsort(PLACE)  # index into SITES + NOISE -> index into *sites*
    code, site = failed.pair_code[failed.cell_pair], place[failed.cell_site]
    jobs, cells = np.bincount(code, failed.cell_count, codes), np.bincount(code, minlength=codes)
    means = np.array([mean_of(knots) for knots in mine["counts"]])
    for i in np.flatnonzero(cells > 200):
        got = jobs[i] / cells[i]
        target = mine["mean_jobs"][i]
        mine["counts"][i] = to_mean(
            mine["counts"][i], max(1.0, means[i] * float(np.clip(target / got, 0.7, 1.4)) ** 0.6)
        )
    placed = np.array([name not in ("Unknown", "NoReportedSite") for name in sites])
    for key, told, weight in (("small", "site_cells", None), ("big", "site_jobs", failed.cell_count)):
        got = np.bincount(site, weight, len(sites)) * placed
        want = np.array(mine[told]) * placed
        ratio = np.clip((want / want.sum() + 1e-7) / (got / got.sum() + 1e-7), 0.5, 2.0)
        mine[key] = share((np.array(mine[key]) * ratio**0.6).tolist())


if __name__ == "__main__":
    freeze(calibrated(read_raw()))
