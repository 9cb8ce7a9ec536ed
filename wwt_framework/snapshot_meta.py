"""The small part of a snapshot: what it is, how the sources answered, sites, exit codes. One JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from wwt_framework.model import ExitCode, Readiness, Rejected, SiteStatus, SourceReport

if TYPE_CHECKING:
    from wwt_framework.snapshot import SnapshotParts

#: Of this layout of a folder; another one is refused, and the next refresh writes anew.
LAYOUT = 1


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


def write_meta(
    path: Path, parts: SnapshotParts, campaigns: Sequence[str], types: Sequence[str], statuses: Sequence[str]
) -> None:
    """Write the file."""
    told = {
        "layout": LAYOUT,
        "version": parts.version,
        "taken_at": parts.taken_at,
        "campaigns": campaigns,
        "types": types,
        "statuses": statuses,
        "sources": [asdict(report) for report in parts.sources],
        "exit_codes": [asdict(code) for code in parts.exit_codes],
        "sites": [{**asdict(site), "readiness": site.readiness.name} for site in parts.sites],
    }
    path.write_bytes(orjson.dumps(told))


def read_meta(path: Path) -> Meta:
    """Read the file. Raises OSError, ValueError, KeyError or TypeError when it is not one of ours."""
    told = orjson.loads(path.read_bytes())
    if told["layout"] != LAYOUT:
        raise ValueError(f"layout {told['layout']}, this program reads {LAYOUT}")
    codes = [_with_times(ExitCode, code, "since", "until") for code in told["exit_codes"]]
    sites = [
        _with_times(SiteStatus, {**site, "readiness": Readiness[site["readiness"]]}, "since") for site in told["sites"]
    ]
    sources = [
        _with_times(
            SourceReport, {**r, "rejected": tuple(Rejected(**x) for x in r["rejected"])}, "asked_at", "as_of"
        )
        for r in told["sources"]
    ]
    return Meta(
        told["version"], datetime.fromisoformat(told["taken_at"]), tuple(told["campaigns"]), tuple(told["types"]),
        tuple(told["statuses"]), tuple(sources), {code.code: code for code in codes}, {s.site: s for s in sites},
    )


def _with_times(kind: type[Any], told: dict[str, Any], *names: str) -> Any:
    times = {name: datetime.fromisoformat(told[name]) if told[name] else None for name in names}
    return kind(**{**told, **times})
