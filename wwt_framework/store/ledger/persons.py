"""Who is who: a person, and by which backends under which names they come."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import peewee

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import HOUSE_NAMES, ROLES, User, name_key
from wwt_framework.store import Store
from wwt_framework.store.ledger.people import LONGEST_NAME

_SEEN = timedelta(hours=1)  # how exactly the last use of an identity without sessions is known


@dataclass(frozen=True)
class Identity:
    """What one backend calls one person."""

    backend: str  # "auth.ldap"
    login: str
    roles: frozenset[str] = frozenset()  # that the backend gave last
    account: bool = False  # an account of this installation
    linked_by: str = ""  # the admin who said that it is this person; "": nobody had to
    seen_at: datetime | None = None  # last sign-in; None: there was none yet


@dataclass(frozen=True)
class Person:
    """Somebody, whatever they sign in by. ``name`` is theirs alone, and stands in every history."""

    name: str
    full_name: str = ""
    email: str = ""
    roles: frozenset[str] = frozenset()  # granted here, beside what backends say
    disabled_at: datetime | None = None
    disabled_by: str = ""
    created_at: datetime | None = None
    identities: tuple[Identity, ...] = ()
    names: tuple[str, ...] = ()  # under which history may know them: their own, and those they had before a link

    @property
    def seen_at(self) -> datetime | None:
        """Last sign-in, by whatever backend."""
        return max((one.seen_at for one in self.identities if one.seen_at), default=None)

    @property
    def all_roles(self) -> frozenset[str]:
        """Granted here, and what backends gave last."""
        return self.roles.union(*(one.roles for one in self.identities))


def persons(store: Store) -> list[Person]:
    """Everybody, by name."""
    table, identity = store.tables.person, store.tables.identity
    with store.connection():
        rows = list(table.select().order_by(table.key))
        by_person: dict[int, list[Any]] = {}
        for one in identity.select().order_by(identity.number):
            by_person.setdefault(one.person, []).append(one)
        aliases: dict[int, list[str]] = {}
        for row in rows:
            if row.alias_of is not None:
                aliases.setdefault(row.alias_of, []).append(row.name)
        return [
            _person(row, by_person.get(row.number, ()), aliases.get(row.number, ()))
            for row in rows
            if row.alias_of is None
        ]


def find_person(store: Store, name: str) -> Person | None:
    """The person of *name*, also of one they had before they were linked; None when there is none."""
    with store.connection():
        row = _row(store, name)
        return None if row is None else _whole(store, row)


def person_of(store: Store, backend: str, login: str) -> Person | None:
    """Whom *backend* calls *login*; None when nobody came so yet."""
    with store.connection():
        one = _identity_row(store, backend, login)
        return None if one is None else _whole(store, store.tables.person.get_by_id(one.person))


def meet(store: Store, user: User, *, seen: bool, account: bool = False) -> Person:
    """The person behind *user*, as the backend has it; somebody new when nobody came so yet.

    A new person has the name that the backend gives, or, where somebody has it already, that name with the
    backend's: two people are never taken for one because they are called alike.
    *seen*: they sign in at this moment. *account*: this is an account of this installation.
    Who shows a token was not asked for by their backend: the roles that it gave stay what they were.
    """
    found = None if seen or account else person_of(store, user.backend, user.name)
    if found is not None and not _worth_noting(store, found, user):
        return found
    with store.write(alone="persons"):
        identity = store.tables.identity
        one = _identity_row(store, user.backend, user.name)
        if one is None:
            number = _new_person(store, user)
            one = identity.create(
                backend=user.backend, login=user.name, person=number, origin=number, account=account,
                vouched=sorted(user.roles), linked_at=store.now(), linked_by="", seen_at=None,
            )  # fmt: skip
        changes: dict[str, Any] = {} if account else {"seen_at": store.now()}
        changes["account"] = account or one.account
        if user.scope is None:
            changes["vouched"] = sorted(user.roles)
        identity.update(changes).where(identity.number == one.number).execute()
        _fill(store, one.person, user)
        return _whole(store, store.tables.person.get_by_id(one.person))


def name_of_new(store: Store, user: User) -> str:
    """What somebody is called here who never came before: as the backend says, with the backend's name where that is taken."""
    table = store.tables.person
    short = user.backend.partition(".")[2] or user.backend
    plain = user.name[: LONGEST_NAME * 3]
    with store.connection():
        for number in range(1000):
            name = plain if not number else f"{plain} ({short})" if number == 1 else f"{plain} ({short} {number})"
            if name_key(name) not in HOUSE_NAMES and table.get_or_none(table.key == name_key(name)) is None:
                return name
    raise WwtError(f"There are too many people called {user.name!r}.")


def link(store: Store, backend: str, login: str, name: str, by: str) -> Person:
    """Say that *login* of *backend* is the person *name*. Raises `NotFound`."""
    identity, table = store.tables.identity, store.tables.person
    with store.write(alone="persons"):
        one, row = _identity_or_error(store, backend, login), _row_or_error(store, name)
        before = one.person
        if before != row.number:
            identity.update(person=row.number, linked_at=store.now(), linked_by=by).where(
                identity.number == one.number
            ).execute()
            if not identity.select().where(identity.person == before).exists():
                table.update(alias_of=row.number).where((table.number == before) | (table.alias_of == before)).execute()
        return _whole(store, row)


def unlink(store: Store, backend: str, login: str) -> Person:
    """Let *login* of *backend* be somebody of their own again; returns whom. Raises `NotFound` and `WwtError`."""
    identity, table = store.tables.identity, store.tables.person
    with store.write(alone="persons"):
        one = _identity_or_error(store, backend, login)
        if identity.select().where(identity.person == one.person).count() == 1:
            raise WwtError(f"{login} of {backend} is the only way in of this person; there is nothing to unlink.")
        origin = one.origin
        if origin == one.person:
            origin = _new_person(store, User(login, backend=backend))
        table.update(alias_of=None).where(table.number == origin).execute()
        identity.update(person=origin, origin=origin, linked_by="").where(identity.number == one.number).execute()
        return _whole(store, table.get_by_id(origin))


def set_vouched(store: Store, backend: str, login: str, roles: Collection[str]) -> None:
    """Keep which roles *backend* gives *login* from now on."""
    table = store.tables.identity
    with store.write():
        table.update(vouched=sorted(roles)).where((table.backend == backend) & (table.login == login)).execute()


def change_person(store: Store, name: str, **fields: Any) -> Person:
    """Change roles, email, disabled_at or disabled_by; returns the person. Raises `NotFound`, `WwtError`."""
    if unknown := sorted(set(fields.get("roles", ())) - set(ROLES)):
        raise WwtError(f"There is no role {unknown[0]!r}; there are {', '.join(ROLES)}.")
    table = store.tables.person
    values = {key: sorted(value) if key == "roles" else value for key, value in fields.items()}
    with store.write(alone="persons"):
        row = _row_or_error(store, name)
        table.update(values).where(table.number == row.number).execute()
        return _whole(store, table.get_by_id(row.number))


def names_of(store: Store, name: str) -> tuple[str, ...]:
    """All names under which history may know who is called *name*; only that name when nobody is."""
    person = find_person(store, name)
    return person.names if person else (name,)


def aliases(store: Store) -> dict[str, str]:
    """Name that somebody had before a link -> the name of the person."""
    table = store.tables.person
    with store.connection():
        rows = {row.number: row for row in table.select()}
    found = {}
    for row in rows.values():
        whole = row
        while whole.alias_of is not None:
            whole = rows[whole.alias_of]
        if whole is not row:
            found[row.name] = whole.name
    return found


def disabled_among(store: Store, names: Collection[str]) -> bool:
    """Whether one of *names* is disabled."""
    table = store.tables.person
    with store.connection():
        keys = [name_key(name) for name in names]
        return bool(table.select().where(table.key.in_(keys) & table.disabled_at.is_null(False)).exists())


def standing(store: Store, login: str) -> str:
    """A text that differs when anything was changed here of whom any backend calls *login*.

    Of an account: its password, roles, and whether it is open; of persons: which one it is, their roles, whether they
    may sign in. What another backend changes, a directory for example, is not known here.
    """
    account, identity, table = store.tables.account, store.tables.identity, store.tables.person
    with store.connection():
        rows = account.select(account.name, account.secret, account.roles, account.active)
        found = [(row.name, row.secret, row.roles, row.active) for row in rows.where(account.key == name_key(login))]
        who = identity.select(identity.person).where(identity.login.in_([login, *(one[0] for one in found)]))
        people = table.select(table.number, table.roles, table.disabled_at).where(table.number.in_(who))
        return repr((found, [(row.number, row.roles, row.disabled_at) for row in people.order_by(table.number)]))


# -- rows ----------------------------------------------------------------------


def _worth_noting(store: Store, person: Person, user: User) -> bool:
    one = next(one for one in person.identities if (one.backend, one.login) == (user.backend, user.name))
    return one.seen_at is None or (user.scope is None and one.roles != user.roles) or store.now() - one.seen_at >= _SEEN


def _identity_row(store: Store, backend: str, login: str) -> Any:
    table = store.tables.identity
    return table.get_or_none((table.backend == backend) & (table.login == login))


def _identity_or_error(store: Store, backend: str, login: str) -> Any:
    one = _identity_row(store, backend, login)
    if one is None:
        raise NotFound(f"Nobody called {login!r} has come by {backend!r} yet; `wwt user list` shows who has.")
    return one


def _row(store: Store, name: str) -> Any:
    table = store.tables.person
    row = table.get_or_none(table.key == name_key(name))
    while row is not None and row.alias_of is not None:
        row = table.get_by_id(row.alias_of)
    return row


def _row_or_error(store: Store, name: str) -> Any:
    row = _row(store, name)
    if row is None:
        raise NotFound(f"There is no person called {name!r}; `wwt user list` shows everybody.")
    return row


def _new_person(store: Store, user: User) -> int:
    name = name_of_new(store, user)
    try:
        row = store.tables.person.create(
            key=name_key(name), name=name, full_name=user.full_name, email=user.email, roles=[],
            disabled_at=None, disabled_by="", alias_of=None, created_at=store.now(),
        )  # fmt: skip
    except peewee.IntegrityError as err:
        raise WwtError(f"Somebody called {name!r} came at the same time; try again.") from err
    return int(row.number)


def _fill(store: Store, number: int, user: User) -> None:
    """Keep what the backend says of somebody: the last word counts, and nothing is no word."""
    table = store.tables.person
    said = {key: getattr(user, key) for key in ("full_name", "email") if getattr(user, key)}
    if said:
        table.update(said).where(table.number == number).execute()


def _whole(store: Store, row: Any) -> Person:
    identity, table = store.tables.identity, store.tables.person
    mine = list(identity.select().where(identity.person == row.number).order_by(identity.number))
    aliases = [one.name for one in table.select().where(table.alias_of == row.number).order_by(table.number)]
    return _person(row, mine, aliases)


def _person(row: Any, identities: Iterable[Any], aliases: Iterable[str]) -> Person:
    return Person(
        row.name,
        row.full_name,
        row.email,
        frozenset(row.roles),
        row.disabled_at,
        row.disabled_by,
        row.created_at,
        tuple(
            Identity(one.backend, one.login, frozenset(one.vouched), one.account, one.linked_by, one.seen_at)
            for one in identities
        ),
        (row.name, *aliases),
    )
