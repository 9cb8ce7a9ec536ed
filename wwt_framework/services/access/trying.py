"""Who would this be? Each backend's answer, the roles and why, and the person; nobody signs in and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wwt_framework.errors import Denied, NotSignedIn, WwtError
from wwt_framework.model import ROLES, User
from wwt_framework.plugin import Visit
from wwt_framework.services.access.backends import Backends, added_up
from wwt_framework.services.access.credentials import check_bounds
from wwt_framework.services.access.persons import as_person, within_scope
from wwt_framework.store import Store, ledger

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Answer, Hooks


@dataclass(frozen=True)
class Wanted:
    """What to try: a login, with its password or without, or what a visit would show."""

    login: str = ""
    password: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # names in lower case
    remote_user: str = ""  # as a server in front sets it
    dn: str = ""  # subject of a client certificate that was verified
    peer: str = "127.0.0.1"  # where the request comes from

    @property
    def kind(self) -> str:
        """How the audit calls it; never what is secret."""
        if self.login:
            return "login with password" if self.password else "login"
        return (
            "certificate" if self.dn else "header" if self.remote_user else ", ".join(sorted(self.headers)) or "nothing"
        )


def wanted_of(login: str, password: str, header: str, dn: str, token: str, peer: str) -> Wanted:
    """The first of these that is given. Raises `NotSignedIn` when nothing is, or the header is none."""
    peer = peer.strip() or "127.0.0.1"
    if login.strip():
        return Wanted(login, password)
    if token.strip():
        return Wanted(headers={"authorization": f"Bearer {token.strip()}"}, peer=peer)
    if dn.strip():
        return Wanted(dn=dn.strip(), peer=peer)
    name, colon, value = header.partition(":")
    if not colon or not name.strip():
        raise NotSignedIn("Give a name, a certificate's subject, a token, or a header like X-Remote-User: olga.")
    if name.strip().upper() == "REMOTE_USER":
        return Wanted(remote_user=value.strip(), peer=peer)
    return Wanted(headers={name.strip().lower(): value.strip()}, peer=peer)


@dataclass(frozen=True)
class Line:
    """What one plugin said."""

    plugin: str
    said: str
    state: str = "no"  # yes, no, denied, failed


@dataclass(frozen=True)
class Trial:
    """What it came to. ``user`` None: nobody. ``refusal`` says why this one may not come in."""

    asked: tuple[Line, ...] = ()  # each backend, in order
    granted: tuple[Line, ...] = ()  # each plugin that grants roles, and what was granted here
    user: User | None = None
    is_new: bool = False  # this installation has not met the person yet
    refusal: str = ""


def try_out(hooks: Hooks, store: Store, wanted: Wanted, by: str, remote: str = "") -> Trial:
    """Ask the backends as a sign-in would. Written down as what *by* did. Raises `NotSignedIn` for what is no login."""
    if wanted.login:
        wanted = replace(wanted, login=wanted.login.strip())
        check_bounds(wanted.login, wanted.password or "x")
    trial = _tried(hooks, store, wanted)
    who = trial.user.name if trial.user else "nobody"
    ledger.write_down(store, by, "tried who it would be", wanted.login or wanted.dn or wanted.remote_user,
                      remote=remote, kind=wanted.kind, came_to=trial.refusal or who)  # fmt: skip
    return trial


def _tried(hooks: Hooks, store: Store, wanted: Wanted) -> Trial:
    if wanted.login and not wanted.password:
        return _without_password(hooks, store, wanted.login)
    if wanted.login:
        lines, answer = _ask(
            hooks,
            "authenticate",
            lambda name: hooks.only(name, "authenticate", username=wanted.login, password=wanted.password),
        )
    else:
        visit = _visit(wanted)
        lines, answer = _ask(hooks, "identify", lambda name: hooks.only(name, "identify", visit=visit))
    if answer is None:
        return Trial(lines, refusal="No backend knows who this is.")
    if answer.error is not None:
        return Trial(lines, refusal=str(answer.error))
    try:
        return replace(
            _as_whom(hooks, store, Backends(lambda: hooks).vouched(answer.value, answer.plugin)), asked=lines
        )
    except WwtError as err:
        return Trial(lines, refusal=str(err))


def _visit(wanted: Wanted) -> Visit:
    certificate = {"subject": wanted.dn, "issuer": "", "serial": "", "verified": "SUCCESS"} if wanted.dn else {}
    return Visit(
        "GET", "/", wanted.headers, remote=wanted.peer, peer=wanted.peer, remote_user=wanted.remote_user,
        client_certificate=certificate,
    )  # fmt: skip


def _ask(hooks: Hooks, hook: str, ask: Callable[[str], Answer]) -> tuple[tuple[Line, ...], Answer | None]:
    """Each plugin of *hook* in order, until one answers: as a sign-in asks them."""
    lines: list[Line] = []
    found: Answer | None = None
    for name in hooks.implementing(hook):
        if found is not None:
            lines.append(Line(name, f"is not asked, since {found.plugin} answered"))
            continue
        answer = ask(name)
        if isinstance(answer.error, Denied):
            found = answer
            lines.append(Line(name, f"knows who this is, and refuses: {answer.error}", "denied"))
        elif answer.error is not None:
            lines.append(Line(name, f"could not say: {answer.complaint}", "failed"))
        elif answer.value is None:
            lines.append(Line(name, "does not know this, or it is wrong"))
        else:
            found = answer
            roles = ", ".join(sorted(answer.value.roles)) or "no role"
            lines.append(Line(name, f"says that this is {answer.value.name}, with {roles}", "yes"))
    return tuple(lines), found


def _without_password(hooks: Hooks, store: Store, login: str) -> Trial:
    """For a name alone: whom the backends have called so, and which roles they would give."""
    lines, first = [], None
    for name in hooks.implementing("authenticate"):
        person = ledger.person_of(store, name, login)
        if person is None:
            lines.append(Line(name, "nobody of this name has come by it yet; with the password it can be asked"))
            continue
        lines.append(Line(name, f"knows {login}, who is {person.name}; with the password it can be asked", "yes"))
        first = first or User(login, backend=name, roles=_last_roles(person, name, login))
    if first is None:
        return Trial(tuple(lines), refusal="Nobody of this name has come yet. Give the password to ask the backends.")
    return replace(_as_whom(hooks, store, first), asked=tuple(lines))


def _last_roles(person: ledger.Person, backend: str, login: str) -> frozenset[str]:
    return next(one.roles for one in person.identities if (one.backend, one.login) == (backend, login))


def _as_whom(hooks: Hooks, store: Store, user: User) -> Trial:
    """The roles, each with where it comes from; then the person."""
    answers = hooks.each("grant_roles", user=user)
    lines, refusal = [], ""
    for answer in answers:
        if isinstance(answer.error, Denied):
            refusal = refusal or str(answer.error)
            lines.append(Line(answer.plugin, f"refuses: {answer.error}", "denied"))
        elif not answer.ok:
            lines.append(Line(answer.plugin, f"could not say: {answer.complaint}", "failed"))
        else:
            lines.append(_roles_line(answer.plugin, answer.value))
    known = replace(user, roles=added_up(user, answers) & set(ROLES))
    if user.roles and any(answer.ok and answer.plugin == user.backend for answer in answers):
        lines.insert(0, Line(user.backend, "grants roles itself, so what it said at sign-in does not count"))
    person = ledger.person_of(store, user.backend, user.name)
    if person is None:
        name = ledger.name_of_new(store, user)
        return Trial((), tuple(lines), within_scope(replace(known, name=name)), True, refusal)
    if person.roles:
        lines.append(Line("granted here", ", ".join(sorted(person.roles)), "yes"))
    if person.disabled_at is not None:
        refusal = refusal or f"{person.name} was disabled by {person.disabled_by}."
    return Trial((), tuple(lines), as_person(known, person), False, refusal)


def _roles_line(plugin: str, roles: Sequence[str]) -> Line:
    strange = sorted(set(roles) - set(ROLES))
    said = ", ".join(roles) or "grants nothing"
    return Line(
        plugin, said + (f" ({', '.join(strange)}: no such role, left out)" if strange else ""), "yes" if roles else "no"
    )
