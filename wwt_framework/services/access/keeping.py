"""What admins do to people, each act written down: roles, link, disable, end of sessions."""

from __future__ import annotations

from collections.abc import Collection

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.services.access.notices import Notices
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Person


class Keeper:
    """Acts on people in the name of *by*, an admin or a shell."""

    def __init__(self, store: Store, notices: Notices, by: str, remote: str = "") -> None:
        self._store = store
        self._notices = notices
        self._by = by
        self._remote = remote

    def find(self, name: str) -> Person:
        """The person called *name*. Raises `NotFound`."""
        person = ledger.find_person(self._store, name)
        if person is None:
            raise NotFound(f"There is no person called {name!r}; `wwt user list` and /people show everybody.")
        return person

    def set_roles(self, name: str, roles: Collection[str]) -> Person:
        """Give *name* these roles here: those of their account where they have one, else beside what backends say."""
        with self._store.write():
            before = self.find(name)
            account = next((one for one in before.identities if one.account), None)
            if account is not None:
                ledger.change_account(self._store, account.login, roles=roles)
                ledger.set_vouched(self._store, account.backend, account.login, roles)
            after = ledger.change_person(self._store, name, roles=() if account else roles)
            ledger.write_down(self._store, self._by, "changed roles", after.name, remote=self._remote,
                              before=sorted(before.all_roles), after=sorted(after.all_roles))  # fmt: skip
            ledger.forget_role_times(self._store, after.name)
            if before.all_roles != after.all_roles:
                self._notices.roles_changed(after, before.all_roles, after.all_roles, self._by)
        return after

    def disable(self, name: str) -> Person:
        """Let *name* in no more, by whatever backend, and end their sessions. Raises `WwtError` for oneself."""
        with self._store.write():
            person = self.find(name)
            if self._by in person.names:
                raise WwtError("You can not disable yourself; ask another admin.")
            now = self._store.now()
            person = ledger.change_person(self._store, name, disabled_at=now, disabled_by=self._by)
            ended = ledger.end_sessions_of(self._store, person.name)
            self._note("disabled", person, sessions=ended)
        return person

    def enable(self, name: str) -> Person:
        """Let *name* in again."""
        with self._store.write():
            person = ledger.change_person(self._store, name, disabled_at=None, disabled_by="")
            self._note("enabled", person)
        return person

    def link(self, backend: str, login: str, name: str) -> Person:
        """Say that *login* of *backend* is *name*. Their sessions end: they go on in another name."""
        with self._store.write():
            before = ledger.person_of(self._store, backend, login)
            person = ledger.link(self._store, backend, login, name, self._by)
            if before is not None and before.name != person.name:
                ledger.end_sessions_of(self._store, before.name)
            self._note("linked", person, backend=backend, login=login, before=before.name if before else "")
        return person

    def unlink(self, backend: str, login: str) -> Person:
        """Let *login* of *backend* be somebody of their own again."""
        with self._store.write():
            before = ledger.person_of(self._store, backend, login)
            person = ledger.unlink(self._store, backend, login)
            if before is not None:
                ledger.end_sessions_of(self._store, before.name)
                self._note("unlinked", before, backend=backend, login=login, now=person.name)
        return person

    def end_sessions(self, name: str, digest: str = "", keep: str = "") -> int:
        """End one session of *name*, or all but *keep*; returns how many."""
        with self._store.write():
            ended = ledger.end_sessions_of(self._store, name, digest, keep)
            ledger.write_down(self._store, self._by, "ended sessions", name, remote=self._remote, sessions=ended)
        return ended

    def _note(self, deed: str, person: Person, **details: object) -> None:
        ledger.write_down(self._store, self._by, deed, person.name, remote=self._remote, **details)
