"""What the name of a CMS workflow tells: prep id, campaign, request type, date, and what an ACDC recovers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from wwt_framework import hookimpl
from wwt_framework.model import Workflow
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext

# ReqMgr2 names a request <requestor>_<request string>_<yymmdd>_<HHMMSS>_<number>
# (WMCore ReqMgr/DataStructs/Request.py).
_NAME = re.compile(r"(?P<body>.+)_(?P<date>[0-9]{6}_[0-9]{6})_[0-9]{1,4}", re.DOTALL)
# Of requests that McM wrote: task_HIG-RunIIFall17wmLHEGS-01415, SUS-RunIISpring16FSPremix-00055.
_PREP_ID = re.compile(r"_(?P<prep_id>(?:task_)?[A-Z0-9]{3}-(?P<campaign>[A-Za-z0-9]+)-[0-9]{5,})(?=_|$)")
# <requestor>_ACDC2_<request string of the original>; before 2017 without a number.
_ACDC = re.compile(r"_ACDC[0-9]*_(?:ACDC[0-9]*_)*(?P<original>.+)", re.DOTALL)
_RERECO = re.compile(r"_(?:HI)?Run20[0-9]{2}[A-Z]-v[0-9]+[-_][A-Za-z0-9]+[-_][0-9]{2}[A-Z][a-z]{2}20[0-9]{2}(?=_|$)")


class CmsNames:
    """Read the names of workflows, for what no other source tells.

    List it after the sources that ask ReqMgr2: their fields win.
    """

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        pass

    @hookimpl
    def fetch_workflows(self, names: Sequence[str]) -> Sequence[Workflow]:
        """What each name tells; names that tell nothing are left out."""
        return read_names(names)


def read_names(names: Iterable[str]) -> list[Workflow]:
    """What each of *names* tells, in their order, without those that tell nothing."""
    everything = list(names)
    found = [workflow for workflow in map(read_name, everything) if workflow is not None]
    return _with_originals(found, everything)


def read_name(name: str) -> Workflow | None:
    """What *name* tells by itself; None when it is in none of the known forms."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    body = match["body"]
    prep = _PREP_ID.search(body)
    return Workflow(
        name,
        prep_id=prep["prep_id"] if prep else "",
        campaign=prep["campaign"] if prep else "",
        request_type=_request_type(body),
        requested_at=requested_at(match["date"]),
    )


def _request_type(body: str) -> str:
    """The type, where the form of the name is used by one type only.

    Requests that Unified wrote anew (``cmsunified_task_...``) are chains of tasks or of steps: not told.
    """
    if "_ACDC" in body and _ACDC.search(body):
        return "Resubmission"
    if "_RVCMSSW_" in body or body.startswith("pdmvserv_task_"):
        return "TaskChain"
    return "ReReco" if _RERECO.search(body) else ""


def _with_originals(found: list[Workflow], names: list[str]) -> list[Workflow]:
    """Fill in what an ACDC recovers, where its name holds the date of the original and *names* the original.

    Names since 2017 hold only the request string of the original, which a clone of it has, too: those do not tell.
    """
    wanted = {tail: i for i, workflow in enumerate(found) if (tail := _original_tail(workflow))}
    if wanted:
        for name in names:
            i = wanted.get(name.partition("_")[2])  # without the requestor
            if i is not None and name != found[i].name:
                found[i] = replace(found[i], original=name)
    return found


def _original_tail(acdc: Workflow) -> str:
    """What the name of an ACDC holds of the original's name, when that is all but the requestor; else ""."""
    if acdc.request_type != "Resubmission":
        return ""
    body = _NAME.fullmatch(acdc.name)
    match = body and _ACDC.search(body["body"])
    return match["original"] if match and _NAME.fullmatch(match["original"]) else ""


def requested_at(text: str) -> datetime | None:
    """When a request was made, from ``yymmdd_HHMMSS`` of its name; None when that is no date.

    Names hold the local time of CERN: compared with RequestDate and the first transition, both in UTC, of
    952 requests of 2018 to 2020. In the hour that comes twice each October it is taken as summer time.
    """
    day = _day(text[:6])
    if day is None:
        return None
    hour, minute, second = int(text[7:9]), int(text[9:11]), int(text[11:13])
    if hour > 23 or minute > 59 or second > 59:
        return None
    seconds = hour * 3600 + minute * 60 + second
    midnight, summer_from, summer_to = day
    return midnight + timedelta(seconds=seconds - (7200 if summer_from <= seconds < summer_to else 3600))


@lru_cache(maxsize=10_000)
def _day(text: str) -> tuple[datetime, int, int] | None:
    """A day ``yymmdd``: its midnight as if in UTC, and the seconds of the day between which it is summer time."""
    try:
        day = datetime(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]), tzinfo=timezone.utc)
    except ValueError:
        return None
    start, end = _last_sunday(day.year, 3), _last_sunday(day.year, 10)
    if start < day < end:
        return day, 0, 86400
    if day == start:
        return day, 3 * 3600, 86400  # two o'clock is followed by three
    return day, 0, 3 * 3600 if day == end else 0


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, tzinfo=timezone.utc)
    return last - timedelta(days=(last.weekday() + 1) % 7)
