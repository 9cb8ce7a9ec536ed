"""Searching logs by words (`/showlog`): what we hold of failed jobs, and what log stores outside hold."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

from wwt_framework.model import LogQuestion
from wwt_framework.services.explaining import read_code
from wwt_framework.services.logsearch import LogSearch, search
from wwt_framework.store.logs import open_log_index, split_words
from wwt_framework.web.exchange import Refused
from wwt_framework.web.parameters import CODE, Day, Format, Number
from wwt_framework.web.render import render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_house, page

#: Texts of a page, unless it is said.
_LIMIT, _MOST = 50, 1_000
#: Characters of a search that are taken.
_LONGEST = 1_000


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/showlog": showlog}


COLUMNS = {
    "from": str, "subject": str, "date": datetime | None, "exit code": int | None, "failed jobs": int | None, "sites": [str],
    "workflows": [str], "tasks": [str], "text": str, "meta": str,
}  # fmt: skip


@page(answers=[COLUMNS])
def showlog(
    search: str = "",
    module: str = "",
    limit: Annotated[str, Number(f"a number from 1 to {_MOST}", 1, _MOST)] = str(_LIMIT),
    code: Annotated[str, CODE] = "",
    site: str = "",
    workflow: str = "",
    since: Annotated[str, Day()] = "",
    until: Annotated[str, Day()] = "",
    offset: Annotated[str, Number("a number from 0 to 10000000", 0, 10_000_000)] = "0",
    format: Format = "",  # noqa: A002
) -> Response:
    """Search logs by words, or parts of them; each text is shown once, the newest first."""
    asked = LogQuestion(
        search.strip()[:_LONGEST], split_words(search[:_LONGEST]), module.strip()[:_LONGEST], read_code(code.strip()) if code.strip() else None,
        site.strip(), workflow.strip(), _day(since.strip()), _day(until.strip(), 1),
        int(limit),
    )  # fmt: skip
    given = any((asked.words, asked.module, code.strip(), asked.site, asked.workflow, asked.since, asked.until))
    found = _search(asked, int(offset)) if given or format else None
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


def _day(text: str, days: int = 0) -> datetime | None:
    """The beginning of a day in UTC, so many *days* later; None for none."""
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc) + timedelta(days=days) if text else None


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
