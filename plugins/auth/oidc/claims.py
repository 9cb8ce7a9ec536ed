"""What is checked of an ID token, and what is read from claims (OpenID Connect Core 1.0, section 3.1.3.7)."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from wwt_framework.errors import Denied

from .options import OidcOptions
from .provider import Provider, plain


def verified(token: str, provider: Provider, options: OidcOptions, nonce: str) -> Mapping[str, Any]:
    """The claims of the ID token *token*. Raises `Denied` that says what does not fit."""
    claims = _signed(token, provider, options)
    now, leeway = time.time(), options.leeway_s
    if claims.get("iss") != options.issuer:
        raise _refused(f"it is of another issuer, '{plain(str(claims.get('iss')))}'")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if options.client_id not in audiences:
        raise _refused(f"it is meant for somebody else, '{plain(str(audience))}'")
    party = claims.get("azp")
    if party != options.client_id and (party is not None or len(audiences) > 1):
        raise _refused(f"it was issued to somebody else, '{plain(str(party))}'")
    if not _is_number(claims.get("exp")) or claims["exp"] + leeway <= now:
        raise _refused("it has expired; is the clock of this machine right?")
    begins: list[Any] = [claims.get("iat"), claims.get("nbf", 0)]
    if not all(_is_number(begin) and begin - leeway <= now for begin in begins):
        raise _refused("it is from the future; is the clock of this machine right?")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _refused("it answers to another sign-in")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise _refused("it does not say who it is about")
    return claims


def _signed(token: str, provider: Provider, options: OidcOptions) -> Mapping[str, Any]:
    """The claims of *token* if one of the provider's keys signed it; a key that is not known is looked for once."""
    try:
        return _decoded(token, provider.keys, options)
    except (JoseError, ValueError) as err:
        newer = provider.newer_keys()
        if newer is None:
            raise _refused(f"none of its keys signed it ({type(err).__name__})") from None
    try:
        return _decoded(token, newer, options)
    except (JoseError, ValueError) as err:
        raise _refused(f"none of its keys signed it ({type(err).__name__})") from None


def _decoded(token: str, keys: KeySet, options: OidcOptions) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = jwt.decode(token, keys, algorithms=list(options.algorithms)).claims
    return claims


def _refused(why: str) -> Denied:
    return Denied(f"The provider's answer was not taken: {why}. Please start again.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def find(claims: Mapping[str, Any], path: str) -> Any:
    """What stands under *path*, ``resource_access.wwt.roles``; names may have dots in them. None: nothing."""
    if path in claims:
        return claims[path]
    for at, char in enumerate(path):
        inside = claims.get(path[:at]) if char == "." else None
        if isinstance(inside, Mapping) and (found := find(inside, path[at + 1 :])) is not None:
            return found
    return None


def text(claims: Mapping[str, Any], path: str) -> str:
    """What stands under *path*, when it is text that can be shown."""
    found = find(claims, path)
    return found.strip() if isinstance(found, str) and found.isprintable() and len(found) <= 256 else ""


def texts(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts under *path*: a list, or a single one."""
    found = find(claims, path)
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]
