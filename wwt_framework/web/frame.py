"""What stands around every page: menu, freshness strip, who you are, footer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework import __version__
from wwt_framework.model import SourceReport, User
from wwt_framework.store import ledger
from wwt_framework.web.exchange import Exchange
from wwt_framework.web.filters import age_words, number

#: The word of a state on the strip, and whether an operator should care.
STATES = {
    "ok": ("ok", False),
    "partial": ("incomplete", True),
    "kept": ("kept from earlier", True),
    "failed": ("no answer", True),
}


@dataclass(frozen=True)
class MenuItem:
    """One entry of the menu. ``key``: what follows ``g`` on the keyboard."""

    label: str
    path: str
    here: bool = False
    key: str = ""
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SourceLine:
    """One source on the strip: the worst of what it was asked."""

    plugin: str
    state: str
    word: str
    trouble: bool
    as_of: datetime | None
    age: str  # "4 min"; "" when there is no data of it
    note: str
    rejected: int
    warning: str = ""  # what is wrong with it although it may have answered
    old: bool = False  # it answers, but what it tells is older than three refreshes


@dataclass(frozen=True)
class Strip:
    """How old and how complete the data of this page are."""

    taken_at: datetime | None  # None: nothing was ever taken
    age: str
    old: bool  # older than three refreshes
    sources: tuple[SourceLine, ...]
    missing: tuple[str, ...]  # sentences: "3 workflows without counts"


@dataclass(frozen=True)
class Frame:
    """Everything the base template shows around a page."""

    user: User
    csrf_token: str
    menu: tuple[MenuItem, ...]
    strip: Strip | None  # None: this visitor may not read
    version: str  # of the program; "" for a visitor whom nobody knows
    snapshot_version: str
    rehearsal: bool  # dry_run: nothing is handed to any executor
    webmaster_name: str
    webmaster_email: str
    here: str  # path and query of this page, for "sign in and come back"
    can_refresh: bool
    can_act: bool  # this user may ask for actions
    is_admin: bool = False
    user_menu: tuple[MenuItem, ...] = ()  # pages of plugins about who is signed in
    notice: str = ""  # that a break-glass is open


CORE_MENU = (
    MenuItem("Overview", "/globalerror", key="o"),
    MenuItem("PrepID list", "/globalerror", key="l", query=(("view", "list"),)),
    MenuItem("Logs", "/showlog", key="e"),
    MenuItem("Actions", "/actions", key="a"),
    MenuItem("Sites", "/sites", key="s"),
    MenuItem("Codes", "/codes", key="c"),
    MenuItem("Clusters", "/clusters", key="k"),
    MenuItem("Reasons", "/reasons", key="r"),
    MenuItem("Lab", "/lab", key="b"),
    MenuItem("Jobs", "/jobs", key="j"),
    MenuItem("Plugins", "/plugins", key="p"),
)


def frame_of(exchange: Exchange) -> Frame:
    """The frame for this visitor, now."""
    options = exchange.house.config.house
    snapshot = exchange.snapshot
    may_read = options.open_reading or exchange.user.may("viewer")
    return Frame(
        user=exchange.user,
        csrf_token=exchange.csrf_token,
        menu=_menu(exchange),
        strip=strip_of(snapshot, exchange.now, options.refresh_minutes, options.sites_minutes) if may_read else None,
        version=__version__ if exchange.user.name else "",
        snapshot_version=snapshot.version,
        rehearsal=options.dry_run,
        webmaster_name=options.webmaster.name,
        webmaster_email=options.webmaster.email,
        here=exchange.address,
        can_refresh=exchange.user.may("operator"),
        can_act=exchange.user.may("operator"),
        is_admin=exchange.user.may("admin"),
        user_menu=_user_menu(exchange) if exchange.user.name else (),
        notice=_glass(exchange),
    )


def _glass(exchange: Exchange) -> str:
    """That this session is a break-glass, or, to admins, that there is one: a sentence; "" otherwise."""
    session = exchange.visitor.session if exchange.visitor else None
    if session is not None and session.ends_at is not None:
        return f"You are in as admin until {session.ends_at:%H:%M} UTC. All that you do is written down."
    if not exchange.user.may("admin"):
        return ""
    codes = ledger.open_break_glass(exchange.app.store)
    if not codes:
        return ""
    last = codes[-1]
    used = f"used at {last.used_at:%H:%M} UTC" if last.used_at else "not used yet"
    return f"{last.made_by} made a code that lets somebody in as admin until {last.ends_at:%H:%M} UTC; {used}."


def _menu(exchange: Exchange) -> tuple[MenuItem, ...]:
    path, view = exchange.visit.path.rstrip("/") or "/", exchange.visit.query.get("view")
    items = []
    for item in CORE_MENU:
        here = path == item.path and (item.path != "/globalerror" or (view == "list") == bool(item.query))
        here = here or path.startswith(f"{item.path}/")
        items.append(MenuItem(item.label, item.path, here, item.key, item.query))
    open_reading = exchange.house.config.house.open_reading
    for page in exchange.room.menu:
        role = page.page.role
        if exchange.user.may(role) or (role == "viewer" and open_reading):
            items.append(MenuItem(page.page.title, page.path, path == page.path))
    return tuple(items)


def _user_menu(exchange: Exchange) -> tuple[MenuItem, ...]:
    """Pages of plugins that are about this user; a plugin that can not tell loses its entry."""
    items = []
    for one in exchange.room.user_menu:
        wanted = one.page.in_user_menu
        if wanted is None or (one.page.role != "anyone" and not exchange.user.may(one.page.role)):
            continue
        try:
            if wanted(exchange.user):
                items.append(MenuItem(one.page.title, one.path))
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            hooks = exchange.house.hooks
            if one.plugin in hooks.plugins:
                hooks.record(one.plugin).failed(f"menu entry {one.path}", error)
    return tuple(items)


def strip_of(snapshot: Any, now: datetime, refresh_minutes: float, sites_minutes: float = 0.0) -> Strip:
    """How old and how complete *snapshot* is at *now*; its sources are asked that often, for the states of sites less."""
    if snapshot.is_empty:
        return Strip(None, "", False, (), ())
    seconds = (now - snapshot.taken_at).total_seconds()
    limit = 180 * refresh_minutes
    lines = source_lines(snapshot.sources, now, seconds + limit, 60 * sites_minutes)
    return Strip(snapshot.taken_at, age_words(seconds), seconds > limit, lines, _missing(snapshot))


def source_lines(
    sources: Sequence[SourceReport], now: datetime, limit: float = float("inf"), sites_limit: float = 0.0
) -> tuple[SourceLine, ...]:
    """One line per plugin, in the order in which they first report: its worst state, its oldest data.

    Data of more than *limit* seconds are old, states of sites *sites_limit* later:
    a file that nobody writes any more is read as well as ever.
    """
    order = list(STATES)
    by_plugin: dict[str, list[SourceReport]] = {}
    for report in sources:
        by_plugin.setdefault(report.plugin, []).append(report)
    lines = []
    for plugin, reports in by_plugin.items():
        worst = max(reports, key=lambda r: order.index(r.state) if r.state in order else len(order))
        word, trouble = STATES.get(worst.state, (worst.state, True))
        times = [report.as_of for report in reports if report.as_of is not None]
        as_of = min(times, default=None)
        age = age_words((now - as_of).total_seconds()) if as_of else ""
        rejected = sum(report.rejected_count for report in reports)
        warning = "; ".join(dict.fromkeys(report.warning for report in reports if report.warning))
        old = any(
            (now - r.as_of).total_seconds() > limit + (sites_limit if r.kind == "site statuses" else 0)
            for r in reports
            if r.as_of
        )
        lines.append(SourceLine(plugin, worst.state, word, trouble, as_of, age, worst.note, rejected, warning, old))
    return tuple(lines)


def nothing_known(snapshot: Any) -> str:
    """Why an empty table does not mean that nothing fails, in a sentence; "" where it does."""
    if snapshot.is_empty:
        return "No refresh has ended yet, so nothing is known: this is not the same as no errors."
    silent = dict.fromkeys(
        r.plugin for r in snapshot.sources if r.kind in ("workflows", "errors") and r.state == "failed"
    )
    if not silent:
        return ""
    return f"{', '.join(silent)} did not answer, so failed jobs are not known: this is not the same as no errors."


def _missing(snapshot: Any) -> tuple[str, ...]:
    """What is known to be incomplete, in words; counted once per snapshot."""
    sentences = {1: "with counts kept from earlier", 2: "with incomplete counts", 3: "whose errors are not known"}
    counts = snapshot.remember("frame.missing", lambda: [int((snapshot.errors_state == s).sum()) for s in range(4)])
    return tuple(
        f"{number(counts[state])} workflow{'' if counts[state] == 1 else 's'} {words}"
        for state, words in sentences.items()
        if counts[state]
    )
