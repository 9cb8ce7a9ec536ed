"""What is known of a real grid, as numbers: read once, and refused when anybody has changed them.

Made by ``tools/world_parameters.py``, which names the source of each number; nothing of the world is tuned elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import numpy as np

from wwt_framework.errors import SourceError

from .draws import Array

#: SHA-256 of data/parameters.json. Models are measured on this world: a new number here is a new world.
CHECKSUM = "9e0b929db609747ce98ccd692870a689d9a5d794a99ca6bf741cc910010c36d3"

Name = Literal["acted", "running"]
TYPES = ("Production", "Processing", "Merge")
#: Failing tasks by type, 2019-06-24 (REALISM 3): Production, Processing, Merge.
TYPE_SHARES = np.array([438, 1182, 203]) / 1823
#: Shares of task trees: what begins with generation, the same with a merge first, without generation, and data.
CHAINS = ("generated", "merged", "reduced", "data")
CHAIN_SHARES = np.array([0.663, 0.031, 0.293, 0.013])
NOISE = ("Unknown", "NoReportedSite")
#: A cell of more failed jobs than this lies where most failed jobs are, not where most cells are.
BIG = 100
#: Share of operators' decisions for something else than an ACDC that were not called for by a bad configuration,
#: and share of bad configurations that got an ACDC all the same.
NEEDLESS, OVERLOOKED = 0.2, 0.1
#: Bad configurations whose workflow fails in many ways at once; the others show by what only they make.
MUDDLED = 0.04
#: How many times as often a code is in tasks without an ACDC that shows a bad configuration clearly.
CLEAR_FROM = 1.9


@dataclass(frozen=True, eq=False)
class Population:
    """One of the two populations: what operators act on, or what runs. Arrays by code are in the order of ``codes``."""

    name: Name
    codes: Array  # (n_codes,)
    presence: Array  # (3, classes, n_codes): P(code | class); right, bad configuration, bad configuration in a muddle
    widen: Array  # (n_codes,): how many times as many sites a code has in a muddle
    spread: Array  # (n_codes, knots): log of the number of sites of a task with this code, at KNOTS
    counts: Array  # (n_codes, knots): log of the failed jobs of a cell
    nowhere: Array  # (n_codes, 2): share of cells that name no site, as NOISE
    small: Array  # (sites,): where a cell lies
    big: Array  # (sites,): where a cell of more than BIG failed jobs lies
    not_reported: Array  # (sites,)
    not_reported_sites: Array  # (points,): log of how many sites, at equal steps from 0 to 1
    draws: Array  # draws[n]: how many draws make n different sites, in the mean
    not_reported_draws: Array  # the same for sites that are not reported
    fake: float  # share of first tasks without input of which every site is told as not reported
    quiet: float  # share of workflows of which only tasks fail that nobody triages
    affinity: Array  # (n_codes, causes)
    configurable: Array  # (n_codes,): whether a bad configuration makes this code
    told: dict[str, Any]  # the tables, as they were counted


@dataclass(frozen=True, eq=False)
class Parameters:
    """Everything that is counted, of both populations."""

    knots: Array
    sites: tuple[str, ...]
    fake: Array  # indices of the sites that are told for tasks without input
    causes: tuple[str, ...]
    classes: Array  # (types, classes): P(class | type)
    behind: Array  # (classes, causes): P(cause | class), configuration left out
    chains: dict[str, list[list[str]]]
    slot_weights: dict[str, list[float]]
    steps_per_workflow: Array
    failure_rates: Array  # (points,), log, at equal steps from 0 to 1
    quiet_rates: Array  # (points,): the same of workflows of which only tasks fail that nobody triages
    quiet_jobs: Array  # (knots,), log: their failed jobs
    names: dict[str, Any]
    populations: dict[str, Population]
    months: tuple[tuple[str, int, float], ...]  # month, tasks, share that got something else than an ACDC


def read_raw() -> dict[str, Any]:
    """The numbers as they lie in the file. Raises SourceError when they are not those that were frozen."""
    data = resources.files(__package__).joinpath("data/parameters.json").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != CHECKSUM:
        raise SourceError(
            f"world/data/parameters.json: expected SHA-256 {CHECKSUM}, got {found}; the file was changed since it was "
            "frozen: install wwt-framework again, or make it anew with tools/world_parameters.py and freeze that"
        )
    raw: dict[str, Any] = json.loads(data)
    return raw


@lru_cache(maxsize=1)
def load() -> Parameters:
    """The parameters, ready to draw from."""
    return ready(read_raw())


def ready(raw: dict[str, Any]) -> Parameters:
    """Make *raw* ready to draw from."""
    causes = tuple(raw["causes"])
    classes = np.array(raw["class_by_type"])
    populations = {name: _population(name, raw, classes) for name in ("acted", "running")}
    return Parameters(
        knots=np.array(raw["knots"]),
        sites=tuple(raw["sites"]),
        fake=np.array([raw["sites"].index(site) for site in raw["fake"]]),
        causes=causes,
        classes=classes,
        behind=_behind(populations["running"], causes),
        chains={name: raw["chains"][name] for name in CHAINS},
        slot_weights=raw["slot_weights"],
        steps_per_workflow=np.array(raw["steps_per_workflow"]),
        failure_rates=np.log(np.array(raw["failure_rates"])),
        quiet_rates=np.log(np.array(raw["quiet"]["failure_rates"])),
        quiet_jobs=np.log(np.array(raw["quiet"]["jobs"])),
        names=raw["names"],
        populations=populations,
        months=tuple((month, tasks, share) for month, tasks, share in raw["acted"]["months"]),
    )


def _population(name: Any, raw: dict[str, Any], classes: Array) -> Population:
    mine = raw[name]
    codes = np.array(mine["codes"])
    affinity = [raw["affinity"].get(str(code), raw["affinity"]["0"]) for code in mine["codes"]]
    configurable = np.isin(codes, raw["configuration_codes"])
    presence, widen = _presence(mine, configurable, np.array(raw["knots"]), TYPE_SHARES @ classes)
    return Population(
        name=name,
        codes=codes,
        presence=presence,
        widen=widen,
        spread=np.log(np.array(mine["spread"])),
        counts=np.log(np.array(mine["counts"])),
        nowhere=np.array(mine["nowhere"]),
        small=np.array(mine["small"]),
        big=np.array(mine["big"]),
        not_reported=np.array(mine["not_reported"]),
        not_reported_sites=np.log(np.array(mine["not_reported_sites"])),
        draws=_draws(np.array(mine["small"])),
        not_reported_draws=_draws(np.array(mine["not_reported"])),
        fake=1.0 if name == "running" else 0.1307 / TYPE_SHARES[0],
        quiet=raw["quiet"]["share"] if name == "running" else 0.0,  # operators act on what they see
        affinity=np.array(affinity),
        configurable=configurable,
        told=mine,
    )


def _draws(shares: Array) -> Array:
    """How many draws from *shares* give 0, 1, 2 ... different sites in the mean."""
    tries = np.arange(400)
    different = (1 - (1 - shares[None, :]) ** tries[:, None]).sum(1)
    most = int(different[-1])
    # The nearest one: two draws make 1.97 sites, three make 2.9.
    found: Array = np.abs(different[None, :] - np.arange(most + 1)[:, None]).argmin(1)
    return found


def _presence(mine: dict[str, Any], configurable: Array, knots: Array, class_shares: Array) -> tuple[Array, Array]:
    """P(code | class) of the three kinds of tasks, and how many times as many sites a code has in a muddle.

    The means over classes are what was counted; a task with errors has at least one code, one by a draw if need be.
    The tables tell cells by the operators' decisions: of those some were needless, which is taken out.
    What is left of codes that a bad configuration makes is in the clear tasks, all else in the muddled ones.
    """
    base, share = np.array(mine["classes"]), np.array(mine["steps_share"])
    tilt = np.maximum((np.array(mine["tilt"]) - NEEDLESS) / (1 - NEEDLESS), 0.02)
    clear = configurable & (tilt > CLEAR_FROM)
    wide = _mean(np.log(np.array(mine["spread"])), knots)
    cells = share * wide * tilt
    in_muddle = np.where(clear, 0.1 * cells, cells) / MUDDLED
    muddled = np.minimum(in_muddle / wide, 0.55)
    widen = np.maximum(1.0, in_muddle / (np.maximum(muddled, 1e-9) * wide))
    targets = (share, np.where(clear, 0.9 * cells / wide, 1e-6) / (1 - MUDDLED), muddled)
    return np.array([_to_targets(base, target, class_shares) for target in targets]), widen


def _to_targets(base: Array, target: Array, class_shares: Array) -> Array:
    """*base* with odds for each code that give *target* in the mean over classes."""
    odds = np.ones(len(target))
    p = base
    for _ in range(60):
        p = base * odds / (1 - base + base * odds)
        none = np.prod(1 - p, 1)
        seen = class_shares @ (p + none[:, None] * p / p.sum(1, keepdims=True))
        odds *= np.clip(target / seen, 0.5, 2.0)
    return p


def _mean(logs: Array, knots: Array) -> Array:
    """The mean of each quantile function, rounded as it is drawn."""
    u = (np.arange(4000) + 0.5) / 4000
    return np.array([np.maximum(1, np.floor(np.exp(np.interp(u, knots, row)) + 0.5)).mean() for row in logs])


def _behind(population: Population, causes: tuple[str, ...]) -> Array:
    """P(cause | class): what is behind the codes of a class, by how often they come."""
    weight = population.presence[0] @ population.affinity
    weight[:, causes.index("configuration")] = 0
    shares: Array = weight / weight.sum(1, keepdims=True)
    return shares
