"""People and their groups, as a directory has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from logging import Logger

import ldap
from ldap.dn import escape_dn_chars
from ldap.filter import escape_filter_chars
from ldap.ldapobject import SimpleLDAPObject

from .directory import Directory, Entry, texts
from .options import LdapOptions


@dataclass(frozen=True)
class Person:
    """Somebody who showed the right password. ``groups``: each by its name and by its DN."""

    name: str
    full_name: str
    email: str
    groups: frozenset[str]


class People:
    """Who is in the directory. Every method raises `PluginError` when no server can be asked."""

    def __init__(self, options: LdapOptions, log: Logger) -> None:
        self._options = options
        self._directory = Directory(options, log)
        #: memberOf is asked for only where groups are not searched: some servers make it up for every entry.
        self._names = [options.user_attribute, options.full_name_attribute, options.email_attribute]
        self._names += [] if options.groups else [options.member_of_attribute]

    def sign_in(self, username: str, password: str) -> Person | None:
        """The person called *username*; None when there is none, or *password* is not theirs. It is not empty."""
        if not _can_be_a_name(username):
            return None
        with self._directory.reader() as reader:
            entry = self._find(reader, username)
            # Of a stranger a password is checked, too, so that nobody learns by the clock who exists.
            dn = entry.dn if entry else f"cn=wwt {escape_dn_chars(username[:64])},{self._options.people}"
            if not self._directory.is_password(dn, password) or entry is None:
                return None
            options = self._options
            return Person(
                _first(entry, options.user_attribute),
                _first(entry, options.full_name_attribute),
                _first(entry, options.email_attribute),
                self._groups(reader, entry),
            )

    def groups_of(self, name: str) -> frozenset[str] | None:
        """The groups of *name* at this moment; None when there is no such person."""
        with self._directory.reader() as reader:
            entry = self._find(reader, name) if _can_be_a_name(name) else None
            return None if entry is None else self._groups(reader, entry)

    def told(self) -> tuple[bool, str]:
        """Whether all servers can be asked, and a sentence."""
        return self._directory.told()

    def _find(self, reader: SimpleLDAPObject, username: str) -> Entry | None:
        """The one entry of *username*; None when there is none, or more than one."""
        options, name = self._options, escape_filter_chars(username)
        wanted = f"(&({options.user_attribute}={name}){options.person_filter.replace('{name}', name)})"
        found = self._directory.search(reader, options.people, wanted, self._names)
        return found[0] if len(found) == 1 else None

    def _groups(self, reader: SimpleLDAPObject, entry: Entry) -> frozenset[str]:
        options = self._options
        if not options.groups:
            told = texts(entry.attributes, options.member_of_attribute)
            return frozenset(name for dn in told for name in (dn, _first_value(dn)) if name)
        found: dict[str, str] = {}  # DN -> name
        uid = _first(entry, options.user_attribute)
        asked = [self._membership(entry.dn, uid)]
        for _ in range(options.nested_depth + 1):
            rows = self._directory.search(reader, options.groups, f"(|{''.join(asked)})", [options.group_attribute])
            new = {row.dn: _first(row, options.group_attribute) for row in rows if row.dn not in found}
            found |= new
            if not new:
                break
            asked = [self._membership(dn) for dn in new]
        return frozenset(name for pair in found.items() for name in pair if name)

    def _membership(self, dn: str, uid: str = "") -> str:
        """A filter for the groups of which *dn* is a member, where members are names *uid*."""
        attribute = self._options.member_attribute
        if attribute.lower() == "memberuid":
            return f"(memberUid={escape_filter_chars(uid)})" if uid else f"(member={escape_filter_chars(dn)})"
        return f"({attribute}={escape_filter_chars(dn)})"


def _can_be_a_name(username: str) -> bool:
    return bool(username) and len(username) <= 256 and username.isprintable()


def _first(entry: Entry, attribute: str) -> str:
    values: Sequence[str] = texts(entry.attributes, attribute)
    return values[0] if values else ""


def _first_value(dn: str) -> str:
    """``operators`` of ``cn=operators,ou=groups,dc=example,dc=org``; "" when it is no DN."""
    try:
        return str(ldap.dn.str2dn(dn)[0][0][1])
    except (ldap.LDAPError, IndexError):
        return ""
