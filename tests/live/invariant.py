"""What must hold on every page, whatever the services do: a number is of now, the last good one with its age, or unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from tests.live.live_house import Live, Shown

#: Faults that make an answer say something else which nobody can tell from the truth, and of which kind.
OTHER_SITES = frozenset({"null sites"})
OTHER_CODES = frozenset({"exit code 0"})
OTHER_RATE = frozenset({"more failed jobs", "numbers as text"})


@dataclass(frozen=True)
class Before:
    """What a page said in good weather, and when."""

    shown: dict[str, Shown]
    at: datetime


def complaints(house: Live, before: Before, lies: frozenset[str]) -> list[str]:
    """Everything on the pages of *house* that is not as it must be; *lies*: the faults that services may have."""
    now = house.all_shown()
    return _of_workflows(house, now, before, lies) + list(_of_other_pages(house, now))


def _of_workflows(house: Live, now: dict[str, Shown], before: Before, lies: frozenset[str]) -> list[str]:
    found = [f"{name} has vanished" for name in before.shown.keys() - now.keys()]
    listed = house.list_states()
    for name, shown in now.items():
        if name not in before.shown:
            found.append(f"{name} came out of nowhere")
            continue
        was = before.shown[name]
        found += [f"{name}: {what}" for what in _of_counts(house, shown, was, before.at, lies)]
        found += [f"{name}: {what}" for what in _of_the_rest(shown, was, lies)]
        if listed.get(name, shown.state) != shown.state:
            found.append(f"{name}: the list says {listed[name]}, its page {shown.state}")
    return found


#: Pages that count the same jobs in other ways, or say how fresh all of it is.
_PAGES = (
    "/", "/globalerror", "/globalerror?pievar=sitename", "/globalerror?view=list", "/freshness", "/plugins", "/jobs",
    "/health", "/getprepids", "/sitestatuses",
)  # fmt: skip
#: Workflows of each state whose page is drawn, too: drawing is slow.
_DRAWN = 2


def _of_other_pages(house: Live, now: dict[str, Shown]) -> Iterator[str]:
    """Every other page answers, and counts what the page of the workflow counts."""
    for path in _PAGES:
        got = house.client.get(path)
        if got.status != 200 or "Traceback" in got.text:
            yield f"{path}: {got.status} {got.text[:200]}"
    drawn = Counter[str]()
    for name, shown in now.items():
        got = house.client.get(f"/workflowerrors?workflow={quote(name)}")
        told = sum(n for step in got.json for code in step["codes"] for n in code["sites"].values())
        if (got.header("X-Errors-State"), told) != (shown.state, shown.total):
            yield f"{name}: /workflowerrors says {told}, {got.header('X-Errors-State')}; its page {shown.total}, {shown.state}"
        complete = {kind["kind"]: kind["state"] for kind in shown.page["complete"]["kinds"]}
        if complete["errors"] != shown.state or shown.page["complete"]["whole"] > (shown.state == "ok"):
            yield f"{name}: its line says {complete}, its counts are {shown.state}"
        drawn[shown.state] += 1
        if drawn[shown.state] > _DRAWN:
            continue
        html = house.client.get(f"/seeworkflow?workflow={quote(name)}").text
        if (shown.state == "unknown" and not shown.cells) != ("How many jobs failed is <strong>not known" in html):
            yield f"{name}: the page does not say that nothing is known, or says it of {shown.total}"


def _of_counts(house: Live, shown: Shown, was: Shown, at: datetime, lies: frozenset[str]) -> Iterator[str]:
    if shown.state == "ok":
        if shown.at != house.now:
            yield f"counts of {shown.at} pass for those of now"
        if was.state != "unknown" and not _same(shown, was, lies):
            yield f"{shown.total} failed jobs, said to be all; there are {was.total}"
        return
    if shown.state == "old":
        if shown.cells != was.cells and not lies & (OTHER_SITES | OTHER_CODES):
            yield "counts said to be kept are not those of before"
        if not at <= shown.at < house.now:
            yield f"kept counts are said to be of {shown.at}"
    elif shown.total > was.total:
        yield f"{shown.state}: {shown.total} failed jobs, and there are {was.total}"
    elif shown.state == "unknown" and was.state != "unknown":
        yield f"what was known is not any more: {was.total} failed jobs"
    doubt = shown.doubts["errors"]
    if doubt["source"] != "errors.cmsweb" or not doubt["note"]:
        yield f"no source or reason is named: {doubt}"


def _same(shown: Shown, was: Shown, lies: frozenset[str]) -> bool:
    """Whether the counts are the true ones, as far as that can be told from what services said."""
    if lies & (OTHER_SITES | OTHER_CODES):
        return shown.total > 0 or was.total == 0
    return shown.cells == was.cells


def _of_the_rest(shown: Shown, was: Shown, lies: frozenset[str]) -> list[str]:
    """Missing events, failure rate, parameters: as before, or not known and said so."""
    found = []
    recoveries = shown.doubts.get("recoveries")
    for task, events in (shown.missing or {}).items():
        if events is not None and (was.missing or {}).get(task) != events:
            found.append(f"{task} lacks {events} events, and it was {was.missing}")
    if was.missing and not shown.missing and shown.cells and recoveries is None:
        found.append(f"nothing is missing, where {was.missing} was")
    rate, true = shown.page["failure_rate"], was.page["failure_rate"]
    if rate not in (true, None) and not lies & OTHER_RATE:
        found.append(f"failure rate {rate}, and it was {true}")
    if "numbers as text" not in lies and shown.page["parameters"] != was.page["parameters"]:
        found.append(f"parameters became {str(shown.page['parameters'])[:200]}")
    return found
