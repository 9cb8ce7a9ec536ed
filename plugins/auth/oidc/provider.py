"""The provider as we see it: its metadata, its keys, and what it answers to a code."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from wwt_framework.errors import Denied, PluginError

from .options import OidcOptions, is_safe

AGAIN_S = 5.0  # between two looks at the keys that a token with a strange key may cause
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LONGEST = 1_000_000  # bytes of an answer


@dataclass(frozen=True)
class _Known:
    metadata: Mapping[str, Any]
    keys: KeySet
    at: float


class Provider:
    """For many threads. Whatever the provider does wrong is a `PluginError`: nobody's password is to blame."""

    def __init__(self, options: OidcOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._known: _Known | None = None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata; kept for a while."""
        return self._current().metadata

    @property
    def keys(self) -> KeySet:
        """The keys with which it signs; kept for a while."""
        return self._current().keys

    def newer_keys(self) -> KeySet | None:
        """The keys of this moment, for a token with one that is not known; None when they were just fetched."""
        with self._lock:
            if self._known and time.monotonic() - self._known.at < AGAIN_S:
                return None
            self._known = self._fetch()
            return self._known.keys

    def check(self) -> str:
        """Ask it now; returns what it is. Raises `PluginError`."""
        with self._lock:
            self._known = self._fetch()
            return f"{self._options.issuer}: answers, with {len(self._known.keys.keys)} keys"

    def start(self, redirect_uri: str, verifier: str, nonce: str) -> tuple[str, str]:
        """Where to send a visitor, and the state that must come back."""
        endpoint = self.metadata["authorization_endpoint"]
        with self._client(redirect_uri) as client:
            url, state = client.create_authorization_url(endpoint, code_verifier=verifier, nonce=nonce)
        return url, state

    def redeem(self, code: str, redirect_uri: str, verifier: str) -> Mapping[str, Any]:
        """The tokens for *code*. Raises `Denied` when the provider does not take it, `PluginError` when it can not."""
        try:
            with self._client(redirect_uri) as client:
                tokens: Mapping[str, Any] = client.fetch_token(
                    self.metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier,
                    timeout=self._options.timeout_s, allow_redirects=False,
                )  # fmt: skip
        except OAuthError as err:
            if err.error in ("invalid_client", "unauthorized_client"):
                raise PluginError(f"the provider refuses client_id with client_secret ({err.error})") from err
            raise Denied(f"The provider did not take this sign-in ({plain(err.error)}); please start again.") from err
        except (requests.RequestException, ValueError) as err:
            raise PluginError(f"the provider's token endpoint did not answer: {type(err).__name__}") from err
        if not isinstance(tokens.get("id_token"), str) or not isinstance(tokens.get("access_token"), str):
            raise PluginError("the provider answered without an id_token; is openid among the scopes it allows us?")
        return tokens

    def userinfo(self, access_token: str) -> Mapping[str, Any]:
        """More claims; {} when the provider has no such place."""
        endpoint = self.metadata.get("userinfo_endpoint")
        return self._get(endpoint, {"Authorization": f"Bearer {access_token}"}) if endpoint else {}

    # -- asking --

    def _client(self, redirect_uri: str) -> Any:
        options, secret = self._options, self._options.client_secret.get_secret_value()
        method = ("client_secret_post" if options.secret_by_post else "client_secret_basic") if secret else "none"
        client = OAuth2Session(
            options.client_id, secret or None, token_endpoint_auth_method=method, scope=" ".join(options.scopes),
            redirect_uri=redirect_uri, code_challenge_method="S256",
        )  # fmt: skip
        client.verify = str(options.ca_file) if options.ca_file else True
        return client

    def _current(self) -> _Known:
        with self._lock:
            if self._known is None or time.monotonic() - self._known.at > self._options.keys_age_s:
                self._known = self._fetch()
            return self._known

    def _fetch(self) -> _Known:
        metadata = self._get(self._options.metadata_url)
        if metadata.get("issuer") != self._options.issuer:
            told = plain(str(metadata.get("issuer")))
            raise PluginError(
                f"{self._options.metadata_url}: is of the issuer '{told}'; expected that of the option issuer"
            )
        for name in (*_NEEDED, "userinfo_endpoint", "end_session_endpoint"):
            url = metadata.get(name)
            if (url is None and name in _NEEDED) or (url is not None and not (isinstance(url, str) and is_safe(url))):
                raise PluginError(
                    f"{self._options.metadata_url}: {name}: expected https://..., got {plain(str(url))!r}"
                )
        try:
            keys = KeySet.import_key_set(self._get(metadata["jwks_uri"]))  # type: ignore[arg-type]  # checked there
        except (JoseError, ValueError, KeyError, TypeError) as err:
            raise PluginError(f"{metadata['jwks_uri']}: has no keys that can be read ({type(err).__name__})") from err
        return _Known(metadata, keys, time.monotonic())

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """The JSON object at *url*. Raises `PluginError`."""
        verify = str(self._options.ca_file) if self._options.ca_file else True
        try:
            answer = requests.get(
                url, headers={"Accept": "application/json", **(headers or {})}, timeout=self._options.timeout_s,
                verify=verify, allow_redirects=False,
            )  # fmt: skip
            told = answer.json() if answer.status_code == 200 and len(answer.content) <= _LONGEST else None
        except (requests.RequestException, ValueError) as err:
            raise PluginError(f"{url}: did not answer as expected ({type(err).__name__})") from err
        if not isinstance(told, dict):
            raise PluginError(f"{url}: expected a JSON object, got status {answer.status_code}")
        return told


def plain(text: str) -> str:
    """What the provider or a visitor wrote, fit for a sentence."""
    return "".join(char if char.isprintable() else " " for char in text[:200])
