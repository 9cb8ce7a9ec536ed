"""The sites of the made-up grid and their bad days."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from wwt_framework.model import Readiness, SiteStatus

_T1 = "DE_KIT ES_PIC FR_CCIN2P3 IT_CNAF RU_JINR UK_RAL US_FNAL"
_T2 = (
    "AT_Vienna BE_IIHE BE_UCL BR_SPRACE CH_CERN CH_CSCS CN_Beijing DE_DESY DE_RWTH EE_Estonia ES_CIEMAT ES_IFCA "
    "FI_HIP FR_GRIF_IRFU FR_GRIF_LLR FR_IPHC HU_Budapest IN_TIFR IT_Bari IT_Legnaro IT_Pisa IT_Rome KR_KISTI "
    "PL_Swierk PT_NCG_Lisbon RU_IHEP TR_METU UA_KIPT UK_London_Brunel UK_London_IC UK_SGrid_RALPP US_Caltech "
    "US_Florida US_MIT US_Nebraska US_Purdue US_UCSD US_Vanderbilt US_Wisconsin"
)
_T3 = "CH_CERN_HelixNebula US_NERSC US_TACC US_SDSC"

#: Sites that run jobs, the busiest first.
SITES: tuple[str, ...] = (
    *(f"T1_{name}" for name in _T1.split()),
    *(f"T2_{name}" for name in _T2.split()),
    *(f"T3_{name}" for name in _T3.split()),
)
#: What reports name as a site now and then, though it is none.
NOISE: tuple[str, ...] = ("NoReportedSite", "Unknown", "T1_US_FNAL_Disk")

#: Length of a spell of good or bad health.
SPELL = timedelta(hours=8)


def health(seed: int, site: int, at: datetime) -> float:
    """0 (well) to 1 (dead) of the site with index *site*; the same during a spell."""
    spell = int(at.timestamp() // SPELL.total_seconds())
    # Two neighbouring spells share a draw, so that outages last longer than one.
    draws = [np.random.default_rng((seed, 7, site, spell + shift)).random() for shift in (0, 1)]
    return float(max(draws) ** 6)


def statuses(seed: int, at: datetime) -> list[SiteStatus]:
    """Every site but the tier 3 ones, of which nobody keeps a record."""
    began = datetime.fromtimestamp(at.timestamp() // SPELL.total_seconds() * SPELL.total_seconds(), timezone.utc)
    found = []
    for i, site in enumerate(SITES):
        if site.startswith("T3_"):
            continue
        bad = health(seed, i, at)
        if bad > 0.8:
            found.append(SiteStatus(site, Readiness.RED, "disabled", began))
        elif bad > 0.55:
            found.append(SiteStatus(site, Readiness.YELLOW, "drain", began))
        else:
            found.append(SiteStatus(site, Readiness.GREEN, "enabled", began))
    return found
