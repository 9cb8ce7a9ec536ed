"""What plugins.yml says of an OpenID provider."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr, field_validator

from wwt_framework.options import ExistingFile

from ..._auth.granting import RoleOptions

_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/.*)?")
#: Signatures with a key that only the provider has. HS256 and none are not among them, and can not be.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")


def is_safe(url: str) -> bool:
    """Whether nobody on the way can read or change what goes to *url*."""
    return url.startswith("https://") or _LOOPBACK.fullmatch(url) is not None


class OidcOptions(RoleOptions):
    """Which provider, who we are to it, and what its claims mean."""

    issuer: str = Field(
        description="address of the provider, as it calls itself: https://auth.cern.ch/auth/realms/cern"
    )
    discovery: str = Field("", description="where its metadata are; empty: <issuer>/.well-known/openid-configuration")
    client_id: str = Field(min_length=1, description="what the provider calls this installation")
    client_secret: SecretStr = Field(
        SecretStr(""), description="its secret, best {$file: PATH} or {$env: NAME}; empty: a public client"
    )
    secret_by_post: bool = Field(False, description="send the secret in the form instead of by HTTP basic")
    scopes: tuple[str, ...] = Field(("openid", "profile", "email"), description="what is asked for")
    user_claim: str = Field(
        "preferred_username", description="claim with the user's name; take one that people can not change themselves"
    )
    groups_claim: str = Field(
        "groups", description="claim with groups or roles: groups, cern_roles, realm_access.roles"
    )
    full_name_claim: str = Field("name", description="claim with the name that pages show")
    email_claim: str = Field("email", description="claim with the mail address")
    algorithms: tuple[str, ...] = Field(
        ("RS256", "PS256", "ES256", "EdDSA"), description="signatures that are taken", min_length=1
    )
    leeway_s: float = Field(30, ge=0, le=300, description="seconds by which clocks may differ")
    keys_age_s: float = Field(3600, gt=0, description="seconds after which metadata and keys are fetched again")
    timeout_s: float = Field(10, gt=0, le=60, description="seconds to wait for the provider")
    ca_file: ExistingFile | None = Field(
        None, description="PEM file of who vouches for the provider; without: the system's"
    )
    sign_out: bool = Field(True, description="offer to sign out at the provider, too")
    label: str = Field("Single sign-on", description="what the sign-in page calls it")
    help: str = Field("", description="what it says beside that")

    @field_validator("issuer", "discovery")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        if url and not (is_safe(url) and re.fullmatch(r"[^\s?#]+", url)):
            raise ValueError(f"expected an address like https://auth.example.org/realms/grid, got '{url}'")
        return url

    @field_validator("algorithms")
    @classmethod
    def _are_signatures(cls, algorithms: tuple[str, ...]) -> tuple[str, ...]:
        if strange := sorted(set(algorithms) - set(ALGORITHMS)):
            raise ValueError(f"expected some of {', '.join(ALGORITHMS)}; got '{strange[0]}'")
        return algorithms

    @field_validator("scopes")
    @classmethod
    def _say_openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("scopes must have openid among them: without it there is no sign-in")
        return scopes

    @property
    def metadata_url(self) -> str:
        return self.discovery or f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
