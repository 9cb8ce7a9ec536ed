"""What the other operators of the made-up grid do, and how often they are right: as published.

Whether a workflow gets an ACDC follows from its hidden causes and from operators' noise (`families.other_share`);
the parameters come with the shares that were counted, on the workflows that need them first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .draws import Array, pick, uniform
from .effects import Deeds
from .families import Families, needless_share
from .parameters import OVERLOOKED, TYPE_SHARES, load

_OTHER, _KIND, _SPLIT, _HAS_SPLIT, _MEMORY, _HAS_MEMORY, _XROOTD, _BAN = range(501, 509)
_SIZES = {"2x": 2, "3x": 3, "10x": 10, "20x": 20, "50x": 50, "100x": 100, "max": 1000}
#: How often the parameter that a cause needs is given when it is needed, if the published share allows for it.
_SKILL = 0.8
#: The tasks of the longest tree.
SLOTS = 8


@dataclass(frozen=True, eq=False)
class Decisions:
    """What operators decide about workflows, a row for each."""

    other: Array  # whether it is something else than an ACDC
    kind: Array  # index of KINDS
    split: Array  # 1: as before
    memory: Array  # MB, 0: as before
    xrootd: Array
    ban: Array  # whether the site that fails is banned


KINDS = ("acdc", "clone", "on-hold", "by-pass")


@dataclass(frozen=True, eq=False)
class _Published:
    """Shares that were counted, ready to draw from."""

    others: Array  # shares of clone, on-hold, by-pass
    splits: tuple[Array, Array, float]  # sizes, shares among those that split, share that split
    memories: tuple[Array, Array, float]  # MB, shares, share with any
    xrootd: float
    causes: Array  # how often each cause is the leading one


@lru_cache(maxsize=1)
def published() -> _Published:
    """The tables of actions and parameters (2019-03 and 2018-06)."""
    parameters = load()
    told = parameters.populations["acted"].told
    actions = told["actions"]
    others = np.array([sum(n for kind, _, n in actions if kind == name) for name in KINDS[1:]], float)
    acdcs = sum(n for kind, _, n in actions if kind == "acdc")
    sizes = [(size, n) for kind, size, n in actions if kind == "acdc" and size != "1x"]
    memory = [(v, p) for name, v, p in told["parameters"] if name == "memory" and v != "default"]
    xrootd = next(p for name, v, p in told["parameters"] if (name, v) == ("xrootd", "enabled"))
    return _Published(
        others=others / others.sum(),
        splits=(
            np.array([_SIZES[size] for size, _ in sizes]),
            np.array([n for _, n in sizes], float),
            sum(n for _, n in sizes) / acdcs,
        ),
        memories=(np.array([_mb(v) for v, _ in memory]), np.array([p for _, p in memory]), sum(p for _, p in memory) / 100),
        xrootd=xrootd / 100,
        causes=TYPE_SHARES @ parameters.classes @ parameters.behind,
    )  # fmt: skip


def _mb(text: str) -> int:
    """MB of "20k", "20k(20480)"; "180k" is a typing error that did happen."""
    exact = text.partition("(")[2].rstrip(")")
    return int(exact) if exact else int(text.rstrip("k")) * 1000


def decide(families: Families, lead: Array) -> Decisions:
    """What an operator decides about *families*; *lead*: the cause of each one's first failing task."""
    key = families.key
    other = uniform(key, _OTHER) < np.where(families.wrong, 1 - OVERLOOKED, needless_share(families.others))
    kind = np.where(other, 1 + pick(published().others, uniform(key, _KIND)), 0)
    sizes, size_shares, split_share = published().splits
    memories, memory_shares, memory_share = published().memories
    splits = _given(uniform(key, _HAS_SPLIT), lead, ("wall-time",), split_share)
    more = _given(uniform(key, _HAS_MEMORY), lead, ("memory",), memory_share)
    remote = _given(uniform(key, _XROOTD), lead, ("missing-file", "corrupt-file"), published().xrootd)
    return Decisions(
        other=other,
        kind=kind,
        split=np.where(splits, sizes[pick(size_shares, uniform(key, _SPLIT))], 1),
        memory=np.where(more, memories[pick(memory_shares, uniform(key, _MEMORY))], 0),
        xrootd=remote,
        ban=uniform(key, _BAN) < np.where(np.isin(lead, _causes("site-outage", "stage-out")), 0.5, 0.05),
    )


def _causes(*names: str) -> list[int]:
    return [load().causes.index(name) for name in names]


def _given(u: Array, lead: Array, needing: tuple[str, ...], share: float) -> Array:
    """Whether a parameter is given: *share* of all, those that need it first."""
    indices = _causes(*needing)
    need = float(published().causes[indices].sum())
    hit = min(_SKILL, share / need)
    rest = (share - hit * need) / (1 - need)
    given: Array = u < np.where(np.isin(lead, indices), hit, rest)
    return given


def deeds_of(rows: Array, decisions: Decisions, parent: int, at: Array, sites: int, worst: Array) -> Deeds:
    """The decisions about the families in *rows* that make a workflow, as deeds.

    *worst*: the site in question of each family; *sites*: how many there are.
    """
    wide = np.ones(SLOTS, np.int64)[None, :]
    banned = np.zeros((len(rows), sites), bool)
    ban = decisions.ban[rows]
    banned[ban, worst[rows][ban]] = True
    return Deeds(
        family=rows,
        parent=np.full(len(rows), parent),
        at=at[rows],
        clone=decisions.kind[rows] == 1,
        rerun=np.ones((len(rows), SLOTS), bool),
        memory=decisions.memory[rows][:, None] * wide,
        split=decisions.split[rows][:, None] * wide,
        xrootd=(decisions.xrootd[rows][:, None] * wide).astype(bool),
        banned=banned,
    )
