"""The small part of a snapshot: what it is, how the sources answered, sites, exit codes. One JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from wwt_framework.model import ExitCode, Readiness, Rejected, SiteStatus, SourceReport

#: Of this layout of a folder; another one is refused, and the next refresh writes anew.
LAYOUT = 6


@dataclass(frozen=True)
class Meta:
    """What ``meta.json`` holds."""

    version: str
    taken_at: datetime
    campaigns: tuple[str, ...]
    types: tuple[str, ...]
    statuses: tuple[str, ...]
    sources: tuple[SourceReport, ...]
    exit_codes: Mapping[int, ExitCode]
    sites: Mapping[str, SiteStatus]


def write_meta(path: Path, meta: Meta) -> None:
    """Write the file."""
    told = {
        "layout": LAYOUT,
        "version": meta.version,
        "taken_at": meta.taken_at,
        "campaigns": meta.campaigns,
        "types": meta.types,
        "statuses": meta.statuses,
        "sources": meta.sources,
        "exit_codes": tuple(meta.exit_codes.values()),
        "sites": tuple(meta.sites.values()),
    }
    path.write_bytes(orjson.dumps(told))


def read_meta(path: Path) -> Meta:
    """Read the file. Raises OSError, ValueError, KeyError or TypeError when it is not one of ours."""
    told = orjson.loads(path.read_bytes())
    if told["layout"] != LAYOUT:
        raise ValueError(f"layout {told['layout']}, this program reads {LAYOUT}")
    codes = [_with_times(ExitCode, code, "since", "until") for code in told["exit_codes"]]
    sites = [
        _with_times(SiteStatus, {**site, "readiness": Readiness(site["readiness"])}, "since") for site in told["sites"]
    ]
    sources = [
        _with_times(SourceReport, {**r, "rejected": tuple(Rejected(**x) for x in r["rejected"])}, "asked_at", "as_of")
        for r in told["sources"]
    ]
    return Meta(
        told["version"], datetime.fromisoformat(told["taken_at"]), tuple(told["campaigns"]), tuple(told["types"]),
        tuple(told["statuses"]), tuple(sources), {code.code: code for code in codes}, {s.site: s for s in sites},
    )  # fmt: skip


def _with_times(kind: type[Any], told: dict[str, Any], *names: str) -> Any:
    times = {name: datetime.fromisoformat(told[name]) if told[name] else None for name in names}
    return kind(**{**told, **times})
