"""What workflows of the made-up grid are called, and their task trees.

Forms and shares are those of 3,004 names of 2019; the numbers in them are made up, and no person's account is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

import numpy as np

from wwt_framework.model import Task

from .clock import cern_offset
from .draws import Array, pick, uniform
from .parameters import CHAINS, load

_CAMPAIGN, _GROUP, _REQUESTOR, _SERIAL, _ERA = range(201, 206)
#: A campaign whose requests begin with generation.
_GENERATING = ("GS", "GEN", "SIM", "HIMix", "Fall15")
#: Share of task trees without generation whose campaign generates: their first tasks are not told.
_TOLD_WITHOUT = 0.53
_STREAMS = ("SingleMuon", "JetHT", "MuonEG", "ZeroBias", "Charmonium", "HIMinimumBias4", "ParkingBPH2")
_SPLITTING = {"Production": "EventBased", "Processing": "EventAwareLumiBased", "Merge": "ParentlessMergeBySize"}
SERIALS = 100_000
#: The serial number of prep ids is the number of the family times this, so that neighbours differ.
_STRIDE = 7919


@dataclass(frozen=True)
class Name:
    """What the names of a family are made of."""

    chain: str
    group: str
    campaign: str
    serial: int
    requestor: str
    era: int

    @property
    def prep_id(self) -> str:
        """As in McM; of data, as the campaign managers call it."""
        if self.chain == "data":
            return f"ReReco-{self._data}-{self.serial:05d}"
        return f"task_{self._mc}"

    @property
    def _mc(self) -> str:
        return f"{self.group}-{self.campaign}-{self.serial:05d}"

    @property
    def _data(self) -> str:
        return f"Run2018{'ABCD'[self.era % 4]}-{_STREAMS[self.era % len(_STREAMS)]}-17Sep2018"

    def request_string(self, version: int) -> str:
        """The middle of the name: what an ACDC repeats."""
        if self.chain == "data":
            run, stream, date = self._data.split("-")
            return f"{run}-v{version}-{stream}-{date}_1026p{self.serial % 10}_{self.serial:05d}"
        return f"task_{self._mc}__v{version}_T"


def workflow_name(requestor: str, request_string: str, born: float, number: int) -> str:
    """As ReqMgr2 makes it: with the local time of CERN, and a number that is not padded."""
    at = datetime.fromtimestamp(int(born) + cern_offset(born), timezone.utc)
    return f"{requestor}_{request_string}_{at:%y%m%d_%H%M%S}_{number % 10_000}"


@lru_cache(maxsize=1)
def _campaigns() -> tuple[list[str], Array, Array, list[str], Array]:
    shares = load().names["campaigns"]
    names = list(shares)
    share = np.array([shares[name] for name in names])
    generating = np.array([any(word in name for word in _GENERATING) for name in names])
    groups = load().names["groups"]
    return names, share * generating, share * ~generating, list(groups), np.array(list(groups.values()))


def names_of(number: Array, key: Array, chain: Array) -> list[Name]:
    """Name parts of families."""
    campaigns, generating, others, groups, group_shares = _campaigns()
    u = uniform(key, _CAMPAIGN)
    # Chains that were told without their beginning are of campaigns of either kind.
    either = np.where(uniform(key, _CAMPAIGN, 1) < _TOLD_WITHOUT, pick(generating, u), pick(others, u))
    campaign = np.where(chain < 2, pick(generating, u), either)
    group = pick(group_shares, uniform(key, _GROUP))
    requestor = np.where(uniform(key, _REQUESTOR) < 0.011, "cmsunified", "pdmvserv")
    era = (uniform(key, _ERA) * 28).astype(np.int64)
    serial = number * _STRIDE % SERIALS
    rows = zip(*(a.tolist() for a in (chain, campaign, group, serial, requestor, era)), strict=True)
    return [
        Name(CHAINS[c], groups[g], campaigns[k], s, "dataproc" if CHAINS[c] == "data" else r, e)
        for c, k, g, s, r, e in rows
    ]


def number_of_serial(serial: int) -> int:
    """The number of the family, modulo SERIALS, that has this serial."""
    return serial * pow(_STRIDE, -1, SERIALS) % SERIALS


def shorts(name: Name) -> list[str]:
    """The tasks of the tree, as paths without the workflow."""
    tree = load().chains[name.chain]
    followers = load().names["follow"].get(name.campaign) or [name.campaign]
    found: list[str] = []
    generates = any(word in name.campaign for word in _GENERATING)
    head, step, request = "", 0, int(generates and name.chain == "reduced")
    for kind, output, begins in tree:
        if begins == "data":
            part = f"DataProcessingMerge{output}" if output else "DataProcessing"
            found.append(f"DataProcessing/{part}" if output else part)
            continue
        if kind == "Merge":
            part = f"{head}_{step}Merge{output}"
        else:
            step = step + 1 if begins == "same" else 0
            if begins == "new":
                head = _request(name, followers, request)
                request += 1
            part = f"{head}_{step}"
        found.append(f"{found[-1]}/{part}" if found else part)
    return found


def _request(name: Name, followers: Sequence[str], number: int) -> str:
    """The prep id of one request of the chain: the first is the family's own."""
    if number == 0:
        return f"{name.group}-{name.campaign}-{name.serial:05d}"
    campaign = followers[min(number - 1, len(followers) - 1)]
    return f"{name.group}-{campaign}-{(name.serial * 31 + number * 17) % 5000 + 1:05d}"


def tasks(workflow: str, name: Name) -> tuple[Task, ...]:
    """The task tree of *workflow*."""
    kinds = [task[0] for task in load().chains[name.chain]]
    return tuple(
        Task(f"/{workflow}/{short}", kind, _SPLITTING[kind]) for short, kind in zip(shorts(name), kinds, strict=True)
    )
