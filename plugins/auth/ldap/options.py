"""What plugins.yml says of a directory."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from wwt_framework.options import ExistingFile

from ..._auth.granting import RoleOptions

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9;.-]*")
_DN = re.compile(r"[A-Za-z][A-Za-z0-9.-]*\s*=.+")
_LOOPBACK = re.compile(r"ldap://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?/?")


class LdapOptions(RoleOptions):
    """Where the directory is, how people and groups are found in it, and which groups have which roles."""

    servers: tuple[str, ...] = Field(
        description="ldaps://host or ldap://host, in the order in which they are tried", min_length=1
    )
    security: Literal["starttls", "none"] = Field(
        "starttls",
        description="what protects ldap:// addresses: starttls, or none on this machine; ldaps:// needs neither",
    )
    ca_file: ExistingFile | None = Field(
        None, description="PEM file of who vouches for the servers; without: the system's"
    )
    timeout_s: float = Field(2, gt=0, le=60, description="seconds to wait for each answer of a server")
    people: str = Field(description="DN below which people are, e.g. ou=people,dc=example,dc=org")
    user_attribute: str = Field("uid", description="attribute with the name that people type: uid, or sAMAccountName")
    person_filter: str = Field(
        "(objectClass=*)", description="who of them may sign in; {name} stands for the name typed"
    )
    bind_dn: str = Field("", description="DN that may search; empty: anybody may")
    bind_password: SecretStr = Field(SecretStr(""), description="its password; best {$file: PATH} or {$env: NAME}")
    full_name_attribute: str = Field("cn", description="attribute with the name that pages show")
    email_attribute: str = Field("mail", description="attribute with the mail address")
    groups: str = Field("", description="DN below which groups are searched; empty: the attribute memberOf names them")
    group_attribute: str = Field("cn", description="attribute with the name of a group")
    member_attribute: str = Field("member", description="attribute with its members: member, uniqueMember or memberUid")
    member_of_attribute: str = Field("memberOf", description="attribute of a person with their groups")
    nested_depth: int = Field(0, ge=0, le=10, description="how many levels of groups in groups count; needs groups")
    label: str = Field("Name and password", description="what the sign-in page calls it")
    help: str = Field("Of your organization.", description="what it says beside that")

    @field_validator("servers")
    @classmethod
    def _are_addresses(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        for server in servers:
            if not re.fullmatch(r"ldaps?://[^\s/?#@]+/?", server):
                raise ValueError(f"expected ldaps://host or ldap://host, got '{server}'")
        return servers

    @field_validator("people", "groups", "bind_dn")
    @classmethod
    def _is_a_dn(cls, dn: str) -> str:
        if dn and not _DN.fullmatch(dn):
            raise ValueError(f"expected a DN like ou=people,dc=example,dc=org, got '{dn}'")
        return dn

    @field_validator(
        "user_attribute", "full_name_attribute", "email_attribute", "group_attribute", "member_attribute",
        "member_of_attribute",
    )  # fmt: skip
    @classmethod
    def _is_an_attribute(cls, name: str) -> str:
        if not _ATTRIBUTE.fullmatch(name):
            raise ValueError(f"expected the name of an attribute like uid, got '{name}'")
        return name

    @field_validator("person_filter")
    @classmethod
    def _is_a_filter(cls, text: str) -> str:
        if not (text.startswith("(") and text.endswith(")") and text.count("(") == text.count(")")):
            raise ValueError(f"expected a filter like (memberOf=cn=grid,ou=groups,dc=example,dc=org), got '{text}'")
        return text

    @model_validator(mode="after")
    def _is_safe(self) -> LdapOptions:
        open_ones = [server for server in self.servers if server.startswith("ldap:")]
        if self.security == "none" and (bad := [server for server in open_ones if not _LOOPBACK.fullmatch(server)]):
            raise ValueError(f"security none would show passwords to everybody on the way to {bad[0]}; take starttls")
        if bool(self.bind_dn) != bool(self.bind_password.get_secret_value()):
            raise ValueError("bind_dn and bind_password belong together; give both or neither")
        if self.nested_depth and not self.groups:
            raise ValueError("nested_depth needs groups, the DN below which they are searched")
        return self
