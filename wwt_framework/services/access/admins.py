"""Whether anybody who may do everything can sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wwt_framework.store import Store, ledger

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Hooks


def admins(hooks: Hooks, store: Store) -> list[str]:
    """Names of those who are known as admins and can sign in by a backend that is listed."""
    there = set(hooks.plugins)
    return [
        person.name
        for person in ledger.persons(store)
        if person.disabled_at is None
        and any(one.backend in there and "admin" in one.roles | person.roles for one in person.identities)
    ]


def warning(hooks: Hooks, store: Store) -> str:
    """What is to be said when no admin can sign in; "" when one can."""
    ways = dict.fromkeys([*hooks.implementing("authenticate"), *hooks.implementing("identify")])
    ways |= dict.fromkeys(answer.plugin for answer in hooks.each("register_login_options") if answer.value)
    if not ways:
        return (
            "nobody can sign in: no plugin under auth lets anybody in. List one, or come in from the shell: "
            "wwt auth break-glass"
        )
    if admins(hooks, store):
        return ""
    return (
        f"no admin can sign in, as far as is known: nobody with the role admin has come by {', '.join(ways)} yet, and is "
        "not disabled. Make one (wwt user add NAME --role admin, wwt user roles NAME admin), see what a backend would "
        "say (wwt auth try NAME), or come in from the shell: wwt auth break-glass"
    )
