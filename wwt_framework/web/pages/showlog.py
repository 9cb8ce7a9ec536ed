"""Searching logs by words (`/showlog`): what we hold of failed jobs, and what log stores outside hold."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from wwt_framework.model import LogQuestion
from wwt_framework.services.explaining import read_code
from wwt_framework.services.logsearch import LogSearch, search
from wwt_framework.store.logs import open_log_index, split_words
from wwt_framework.web.exchange import Refused
from wwt_framework.web.render import render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_house, page

#: Texts of a page, unless it is said.
_LIMIT, _MOST = 50, 1_000
#: Characters of a search that are taken.
_LONGEST = 1_000


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/showlog": showlog}


@page()
def showlog(
    search: str = "",
    module: str = "",
    limit: str = str(_LIMIT),
    code: str = "",
    site: str = "",
    workflow: str = "",
    since: str = "",
    until: str = "",
    offset: str = "0",
    format: str = "",  # noqa: A002
) -> Response:
    """Search logs by words, or parts of them; each text is shown once, the newest first."""
    asked = LogQuestion(
        search.strip()[:_LONGEST], split_words(search[:_LONGEST]), module.strip()[:_LONGEST], _code(code.strip()),
        site.strip(), workflow.strip(), _day("since", since.strip(), 0), _day("until", until.strip(), 1),
        _number("limit", limit, 1, _MOST),
    )  # fmt: skip
    given = any((asked.words, asked.module, code.strip(), asked.site, asked.workflow, asked.since, asked.until))
    found = _search(asked, _number("offset", offset, 0, 10_000_000)) if given or format else None
    if format:
        assert found is not None
        if found.complaint and not found.stores:
            raise Refused(503, f"What is kept here can not be searched: {found.complaint}")
        return table_response(COLUMNS, _rows(found), format, "logs")
    query = {
        "search": asked.search or None, "module": asked.module or None, "code": code.strip() or None,
        "site": asked.site or None, "workflow": asked.workflow or None, "since": since.strip() or None,
        "until": until.strip() or None, "limit": asked.limit if asked.limit != _LIMIT else None,
    }  # fmt: skip
    return render("showlog.html", asked=asked, found=found, query=query, code=code.strip())


def _search(asked: LogQuestion, offset: int) -> LogSearch:
    house = current_house()
    return search(house.hooks, open_log_index(current_app().store, house.config.house.data_dir), asked, offset)


def _code(text: str) -> int | None:
    if not text:
        return None
    code = read_code(text)
    if code is None:
        raise Refused(400, f"code must be an exit code, or NotReported, got {text[:40]!r}.")
    return code


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and least <= int(text) <= most):
        raise Refused(400, f"{name} must be a number from {least} to {most}, got {text[:40]!r}.")
    return int(text)


def _day(name: str, text: str, days: int) -> datetime | None:
    """The beginning of a day in UTC, so many *days* later; None for none."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)
        return day + timedelta(days=days)
    except (ValueError, OverflowError):
        raise Refused(400, f"{name} must be a day such as 2026-11-23, got {text[:40]!r}.") from None


COLUMNS = ("from", "subject", "date", "exit code", "failed jobs", "sites", "workflows", "tasks", "text", "meta")


def _rows(found: LogSearch) -> list[tuple[Any, ...]]:
    own = [
        (
            "here", one.subject, one.at.isoformat(), one.code, one.hit.jobs,
            list(dict.fromkeys(spot.site for spot in one.hit.spots)),
            list(dict.fromkeys(spot.workflow for spot in one.hit.spots)),
            list(dict.fromkeys(spot.task for spot in one.hit.spots)), one.hit.text, "",
        )
        for one in found.own
    ]  # fmt: skip
    theirs: list[tuple[Any, ...]] = [
        (store.plugin, one.hit.subject, one.hit.at.isoformat() if one.hit.at else None, None, None, [], [], [], one.hit.text, one.hit.meta)
        for store in found.stores
        for one in store.hits
    ]  # fmt: skip
    return own + theirs
