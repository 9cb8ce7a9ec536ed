"""Which person a user is, whatever backend vouches for them; and what holds for the person as a whole."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace

from wwt_framework.errors import Denied, StoreError
from wwt_framework.model import User
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Person

log = logging.getLogger(__name__)


class Persons:
    """Knows people by what their backends call them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, user: User, *, seen: bool = False) -> User:
        """*user* as the person they are: with its name, and the roles granted here added. Raises `Denied`.

        *seen*: they sign in at this moment.
        """
        try:
            person = ledger.meet(self._store, user, seen=seen)
        except StoreError as err:  # a full disk must not keep anybody from reading whom we know
            found = ledger.person_of(self._store, user.backend, user.name)
            if found is None or seen:
                raise
            log.warning("last use of an identity could not be noted: %s", err)
            person = found
        if person.disabled_at is not None:
            raise Denied(f"{person.name} may not sign in any more. Ask an admin of this installation.")
        return as_person(user, person)

    def check(self, user: User) -> User:
        """*user*, who was known a short while ago. Raises `Denied` when the person was disabled meanwhile."""
        if ledger.disabled_among(self._store, [user.name]):
            raise Denied(f"{user.name} may not sign in any more. Ask an admin of this installation.")
        return user


def as_person(user: User, person: Person) -> User:
    """*user* of a backend as *person*: what is done in this name is the person's.

    Whoever shows a token has of all these roles what the token gives at most.
    """
    known = replace(
        user,
        name=person.name,
        login="" if person.name == user.name else user.name,
        full_name=user.full_name or person.full_name,
        email=user.email or person.email,
        roles=user.roles | person.roles,
    )
    return within_scope(known)


def within_scope(user: User) -> User:
    """*user* with at most the roles that the token gives which was shown; as it is when none was."""
    if user.scope is None:
        return user
    return replace(user, roles=frozenset(role for role in user.scope if user.may(role)))


def as_backend(user: User, roles: Collection[str]) -> User:
    """*user* as the backend vouched for them, with *roles*: how it is asked about them again."""
    return replace(user, name=user.at_backend, login="", roles=frozenset(roles))
