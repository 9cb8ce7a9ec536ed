"""Local accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import peewee

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import HOUSE_NAMES, ROLES, name_key
from wwt_framework.plugin import Account
from wwt_framework.store import Store
from wwt_framework.store.fields import storable

LONGEST_NAME = 100
_CHANGEABLE = ("secret", "roles", "full_name", "email", "active")


def find_account(store: Store, name: str) -> Account | None:
    """The account called *name*, however it is written, active or not; None when there is none."""
    table = store.tables.account
    with store.connection():
        row = table.get_or_none(table.key == name_key(name))
        return None if row is None else _account(row)


def accounts(store: Store) -> list[Account]:
    """Every account, by name."""
    with store.connection():
        return [_account(row) for row in store.tables.account.select().order_by(store.tables.account.key)]


def accounts_with_email(store: Store, email: str) -> list[Account]:
    """Accounts with this mail address, however it is written in case, active or not, by name."""
    table = store.tables.account
    mine = peewee.fn.LOWER(table.email) == storable(email.lower())
    with store.connection():
        return [_account(row) for row in table.select().where(mine, table.email != "").order_by(table.key)]


def add_account(store: Store, account: Account) -> None:
    """Keep a new account. Raises `WwtError` when its name is taken or can not be a name, or a role is unknown."""
    _check_name(account.name)
    _check_roles(account.roles)
    with store.write():
        try:
            store.tables.account.create(
                key=name_key(account.name),
                name=account.name,
                secret=account.secret,
                full_name=account.full_name,
                email=account.email,
                roles=sorted(account.roles),
                active=account.active,
                created_at=store.now(),
            )
        except peewee.IntegrityError as err:
            raise WwtError(
                f"There is an account called {account.name!r} already; names differ in more than case."
            ) from err


def change_account(store: Store, name: str, /, **fields: Any) -> Account:
    """Change secret, roles, full_name, email or active of an account; returns it.

    Raises `NotFound`, and `WwtError` for another field or an unknown role.
    """
    if unknown := sorted(set(fields) - set(_CHANGEABLE)):
        raise WwtError(f"An account has no {unknown[0]!r} to change; there are {', '.join(_CHANGEABLE)}.")
    if "roles" in fields:
        _check_roles(fields["roles"])
        fields["roles"] = frozenset(fields["roles"])
    table = store.tables.account
    with store.write():
        row = table.get_or_none(table.key == name_key(name))
        if row is None:
            raise NotFound(f"There is no account called {name!r}.")
        account = replace(_account(row), **fields)
        if fields:
            values = fields | ({"roles": sorted(account.roles)} if "roles" in fields else {})
            table.update(values).where(table.id == row.id).execute()
    return account


def _check_name(name: str) -> None:
    """Names are typed into forms and sent by HTTP basic, which ends them at the first colon."""
    if not 0 < len(name) <= LONGEST_NAME:
        raise WwtError(f"A name has 1 to {LONGEST_NAME} characters, got {len(name)}.")
    if bad := next((char for char in name if not char.isprintable() or char == ":"), None):
        raise WwtError(f"A name can not have the character {bad!r} in it, got {name!r}.")
    if name_key(name) in HOUSE_NAMES:
        raise WwtError(f"{name!r} is a name in which this installation itself acts; nobody else can have it.")
    if name != name.strip():
        raise WwtError(f"A name neither begins nor ends with a space, got {name!r}.")


def _check_roles(roles: Iterable[str]) -> None:
    if unknown := sorted(set(roles) - set(ROLES)):
        raise WwtError(f"There is no role {unknown[0]!r}; there are {', '.join(ROLES)}.")


def _account(row: Any) -> Account:
    return Account(row.name, row.secret, frozenset(row.roles), row.full_name, row.email, row.active)
