"""Everybody who ever came, by whatever backend: their roles, and what admins do about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wwt_framework.model import ROLES, User
from wwt_framework.plugin import Link
from wwt_framework.services.access.admins import admins
from wwt_framework.services.access.keeping import Keeper
from wwt_framework.store import ledger
from wwt_framework.store.ledger import Deed, DeedQuery, Person, Session
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.parameters import Format
from wwt_framework.web.render import redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import page

COLUMNS = {
    "person": str, "full_name": str, "email": str, "roles": [str], "granted_here": [str], "identities": [str],
    "seen_at": datetime | None, "disabled_at": datetime | None, "disabled_by": str,
}  # fmt: skip
DEEDS = 20


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {
        "/people": people,
        "/people/person": person,
        "/people/roles": set_roles,
        "/people/disable": disable,
        "/people/enable": enable,
        "/people/link": link,
        "/people/unlink": unlink,
        "/people/sign-out": sign_out,
    }


@dataclass(frozen=True)
class PersonPage:
    """What the page of one person shows."""

    person: Person
    sessions: tuple[Session, ...]
    deeds: tuple[Deed, ...]
    others: tuple[tuple[str, str, str], ...]  # backend, login, whose it is: what could be linked, the likely first
    has_account: bool  # roles are those of the account of this installation
    has_mail: bool  # mails go out
    links: tuple[Link, ...]  # what plugins can do about their accounts
    complaints: tuple[str, ...]  # what plugins that failed say
    lone_admin: bool  # without this one no admin could sign in
    all_roles: tuple[str, ...] = tuple(ROLES)


def _keeper() -> Keeper:
    exchange = current_exchange()
    return Keeper(exchange.app.store, exchange.app.notices, exchange.user.name, exchange.visit.remote)


@page(role="admin", answers=[COLUMNS])
def people(format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """Who came, when last, with which roles."""
    found = ledger.persons(current_exchange().app.store)
    if format:
        return table_response(COLUMNS, [_row(one) for one in found], format, "people")
    links, complaints = _account_links(None)
    return render("people.html", people=found, links=links, complaints=complaints)


def _row(one: Person) -> tuple[Any, ...]:
    times = [at.isoformat() if at else None for at in (one.seen_at, one.disabled_at)]
    identities = [f"{identity.backend}:{identity.login}" for identity in one.identities]
    return (
        one.name, one.full_name, one.email, sorted(one.all_roles), sorted(one.roles), identities, *times, one.disabled_by,
    )  # fmt: skip


@page(role="admin")
def person(name: str) -> Response:
    """One person: by what they sign in, their roles, where they are signed in, what they did last."""
    exchange = current_exchange()
    store = exchange.app.store
    found = _keeper().find(name)
    there = admins(exchange.house.hooks, store)
    asked = [_account_links(User(one.login, roles=one.roles, backend=one.backend)) for one in found.identities]
    shown = PersonPage(
        found,
        tuple(one for one in ledger.sessions_of(store, found.name) if not exchange.app.access.sessions.is_over(one)),
        tuple(ledger.find_deeds(store, DeedQuery(people=found.names), DEEDS)),
        tuple(_others(ledger.persons(store), found)),
        any(one.account for one in found.identities),
        exchange.app.post.has_server,
        tuple(link for links, _ in asked for link in links),
        tuple(dict.fromkeys(complaint for _, complaints in asked for complaint in complaints)),
        there == [found.name],
    )
    return render("person.html", page=shown)


def _account_links(account: User | None) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """Pages of plugins about *account*, or for a new one; and what the plugins say that failed."""
    exchange = current_exchange()
    answers = exchange.house.hooks.each("show_account_links", account=account)
    links = tuple(
        replace(link, href=exchange.prefix + link.href)
        for answer in answers
        if answer.ok
        for link in answer.value or ()
        if link.href.startswith("/") and not link.href.startswith(("//", "/\\"))
    )
    return links, tuple(answer.complaint for answer in answers if not answer.ok)


def _others(everybody: list[Person], found: Person) -> list[tuple[str, str, str]]:
    """Identities of other people; first those that may be this one: the same name or mail address."""
    mine = {name.casefold() for name in found.names} | {one.login.casefold() for one in found.identities}
    rows = [
        (
            one.login.casefold() not in mine and not (other.email and other.email == found.email),
            one.backend,
            one.login,
            other.name,
        )
        for other in everybody
        if other.name != found.name
        for one in other.identities
    ]
    return [row[1:] for row in sorted(rows)]


@page(role="admin", methods=("POST",))
def set_roles(name: str, role: tuple[str, ...] = ()) -> Response:
    """Give somebody these roles, and no others here."""
    return _done(_keeper().set_roles(name, role))


@page(role="admin", methods=("POST",))
def disable(name: str) -> Response:
    """Let somebody in no more, by whatever backend."""
    return _done(_keeper().disable(name))


@page(role="admin", methods=("POST",))
def enable(name: str) -> Response:
    """Let somebody in again."""
    return _done(_keeper().enable(name))


@page(role="admin", methods=("POST",))
def link(name: str, identity: str) -> Response:
    """Say that what a backend calls so is this person."""
    backend, colon, login = identity.partition(":")
    if not colon:
        raise Refused(400, f"identity: expected a backend, a colon and a name, like auth.ldap:olga, got {identity!r}.")
    return _done(_keeper().link(backend, login, name))


@page(role="admin", methods=("POST",))
def unlink(backend: str, login: str) -> Response:
    """Let it be somebody of their own again."""
    return _done(_keeper().unlink(backend, login))


@page(role="admin", methods=("POST",))
def sign_out(name: str, session: str = "") -> Response:
    """End one session of somebody, or all."""
    found = _keeper().find(name)
    _keeper().end_sessions(found.name, session)
    return _done(found)


def _done(found: Person) -> Response:
    return redirect("/people/person", name=found.name)
