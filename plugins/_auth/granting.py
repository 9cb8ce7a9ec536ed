"""From the groups that a backend tells to the roles of this installation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field, field_validator

from wwt_framework.errors import Denied
from wwt_framework.model import ROLES
from wwt_framework.options import PluginOptions

LONGEST_NAME = 256  # characters, as at the sign-in page


def known_roles(named: Iterable[str]) -> None:
    """Raises ValueError in words when one of *named* is no role."""
    if strange := sorted(set(named) - set(ROLES)):
        raise ValueError(f"expected roles of {', '.join(ROLES)}; got '{strange[0]}'")


class RoleOptions(PluginOptions):
    """The options of every backend that knows groups."""

    roles: Mapping[str, tuple[str, ...]] = Field(
        {}, description="role -> groups whose members have it, e.g. {operator: [grid-operators], admin: [wwt-admins]}"
    )
    everybody: tuple[str, ...] = Field((), description="roles of everybody whom this backend knows, e.g. [viewer]")

    @field_validator("roles", "everybody")
    @classmethod
    def _are_roles(cls, named: Mapping[str, tuple[str, ...]] | tuple[str, ...]) -> object:
        known_roles(named)
        return named

    def granted(self, groups: Iterable[str]) -> frozenset[str]:
        """The roles of a member of *groups*. Names are compared as directories do, whatever their case."""
        theirs = {group.casefold() for group in groups}
        by_group = {role for role, named in self.roles.items() if theirs & {group.casefold() for group in named}}
        return frozenset(by_group | set(self.everybody))


def usable_name(name: str, said_by: str) -> str:
    """*name* when it can be that of a person. Raises `Denied` in words."""
    if not 0 < len(name) <= LONGEST_NAME:
        raise Denied(f"{said_by} gives a name of {len(name):,} characters; expected 1 to {LONGEST_NAME}.")
    if bad := next((char for char in name if not char.isprintable()), None):
        raise Denied(f"{said_by} gives a name with the character {bad!r} in it, which no name can have.")
    return name
