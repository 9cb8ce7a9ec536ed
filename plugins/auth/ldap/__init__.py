"""People of a directory: OpenLDAP, 389, FreeIPA, Active Directory."""

from __future__ import annotations

from collections.abc import Sequence

from wwt_framework import hookimpl
from wwt_framework.errors import Denied, PluginError
from wwt_framework.model import User
from wwt_framework.plugin import Health, LoginOption, PluginContext

from ..._auth.granting import usable_name
from .options import LdapOptions

NEEDED = (
    "it needs python-ldap, which is not installed: `apt-get install gcc python3-dev libldap2-dev libsasl2-dev`, "
    "then `pip install 'wwt-framework[ldap]'`"
)


class Ldap:
    """Sign in the people of a directory, with roles by its groups."""

    Options = LdapOptions

    def __init__(self, context: PluginContext[LdapOptions]) -> None:
        try:
            from .people import People
        except ModuleNotFoundError as err:
            if err.name and err.name.partition(".")[0] in ("ldap", "_ldap"):
                raise PluginError(NEEDED) from err
            raise
        self._name = context.name
        self._options = context.options
        self._people = People(context.options, context.log)

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        return [LoginOption(self._options.label, help=self._options.help)]

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        """The person with this password. Raises `PluginError` when no server could be asked: that is no wrong password."""
        if not password or "\0" in password:
            return None  # a directory takes an empty password for a wish to be nobody, and says yes
        found = self._people.sign_in(username, password)
        if found is None:
            return None
        name = usable_name(found.name, "The directory")
        return User(name, found.full_name, found.email, self._options.granted(found.groups), self._name)

    @hookimpl
    def grant_roles(self, user: User) -> Sequence[str]:
        """The roles by the groups of this moment; who left the directory leaves us. Raises `Denied`."""
        if user.backend != self._name:
            return []
        groups = self._people.groups_of(user.name)
        if groups is None:
            raise Denied(f"{user.name} is not in the directory any more.")
        return sorted(self._options.granted(groups))

    @hookimpl
    def report_health(self) -> Health:
        """Whether the servers can be asked, one by one."""
        return Health(*self._people.told())
