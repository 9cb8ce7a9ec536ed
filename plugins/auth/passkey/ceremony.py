"""Adding a passkey, and signing in by it: challenges, and what devices answer to them."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from wwt_framework.errors import Denied, WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Account, Credential, PluginContext

KIND = "passkey"
LONGEST_LABEL = 100  # characters
MOST = 20  # passkeys of one account
_VERIFIED = UserVerificationRequirement.REQUIRED  # the device asks for a finger or a PIN: it stands for two factors


@dataclass(frozen=True)
class Place:
    """Where browsers see us: a passkey belongs to one host."""

    host: str
    origin: str
    problem: str = ""  # why browsers do no passkeys there

    @classmethod
    def of(cls, address: str) -> Place:
        split = urlsplit(address)
        host = split.hostname or ""
        origin = f"{split.scheme}://{split.netloc}"
        if host != "localhost" and (split.scheme != "https" or _is_number(host)):
            return cls(host, origin, f"browsers do passkeys at https:// with a name, not at {origin}; see wwt.base_url")
        return cls(host, origin)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Ceremony:
    """What is asked of a device, and whether its answer is right. A challenge is good once and for some minutes."""

    def __init__(self, context: PluginContext[Any]) -> None:
        self._context = context

    @property
    def place(self) -> Place:
        """Where browsers see us now: plugins.yml may change."""
        return Place.of(self._context.url("/"))

    # -- adding --

    def options_for(self, account: Account, scratch: MutableMapping[str, Any]) -> Any:
        """What a browser needs to make a passkey for *account*. Raises `WwtError` when there are too many."""
        kept = self._context.credentials.all(KIND, account.name)
        if len(kept) >= MOST:
            raise WwtError(f"An account has at most {MOST} passkeys; remove one first.")
        options = webauthn.generate_registration_options(
            rp_id=self.place.host,
            rp_name="WWT",
            user_name=account.name,
            user_display_name=account.full_name or account.name,
            user_id=hashlib.sha256(account.name.encode()).digest(),
            exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(one.name)) for one in kept],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
            ),
        )
        self._keep(scratch, "add", options.challenge, account.name)
        return json.loads(webauthn.options_to_json(options))

    def add(self, account: Account, answer: Any, label: str, scratch: MutableMapping[str, Any]) -> Credential:
        """Keep the passkey that a device has made. Raises `WwtError` in words."""
        challenge = self._taken(scratch, "add", account.name)
        place = self.place
        try:
            made = webauthn.verify_registration_response(
                credential=_object(answer), expected_challenge=challenge, expected_rp_id=place.host,
                expected_origin=place.origin, require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, ValueError, TypeError, KeyError) as err:
            self._context.log.info("a passkey was not taken: %s", err)
            raise WwtError(
                "What your device answered is not right for this page. Load the page again, and try once more."
            ) from err
        details = {
            "key": bytes_to_base64url(made.credential_public_key), "count": made.sign_count, "label": _label(label),
            "account": account.name,
        }  # fmt: skip
        return self._context.credentials.add(
            Credential(KIND, bytes_to_base64url(made.credential_id), account.name, details)
        )

    # -- signing in --

    def challenge(self, scratch: MutableMapping[str, Any]) -> Any:
        """What a browser needs to sign in: any passkey of this host."""
        options = webauthn.generate_authentication_options(rp_id=self.place.host, user_verification=_VERIFIED)
        self._keep(scratch, "enter", options.challenge, "")
        return json.loads(webauthn.options_to_json(options))

    def enter(self, answer: Any, scratch: MutableMapping[str, Any]) -> User:
        """Who has signed the challenge. Raises `Denied` in the same words whatever is wrong."""
        refusal = Denied("This passkey is not known here, or did not sign what was asked. Sign in another way.")
        try:
            challenge = self._taken(scratch, "enter", "")
        except WwtError as err:
            raise Denied(str(err)) from err
        kept = self._context.credentials.find(KIND, str(answer.get("id", ""))) if isinstance(answer, dict) else None
        account = self._context.accounts.find(kept.details["account"]) if kept else None
        if kept is None or account is None:
            raise refusal
        place = self.place
        try:
            signed = webauthn.verify_authentication_response(
                credential=_object(answer), expected_challenge=challenge, expected_rp_id=place.host,
                expected_origin=place.origin, credential_public_key=base64url_to_bytes(kept.details["key"]),
                credential_current_sign_count=kept.details["count"], require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, ValueError, TypeError, KeyError) as err:
            self._context.log.warning("a passkey did not sign: %s", err, extra={"user": account.name})
            raise refusal from err
        details = {**kept.details, "count": signed.new_sign_count}
        self._context.credentials.change(KIND, kept.name, details=details)
        self._context.credentials.use(KIND, kept.name)
        return User(
            account.name, account.full_name, account.email, account.roles, account_of=self._context.options.accounts
        )

    # -- challenges --

    def _keep(self, scratch: MutableMapping[str, Any], what: str, challenge: bytes, whose: str) -> None:
        until = time.time() + 60 * self._context.options.minutes
        scratch[KIND] = {"what": what, "challenge": bytes_to_base64url(challenge), "whose": whose, "until": until}

    def _taken(self, scratch: MutableMapping[str, Any], what: str, whose: str) -> bytes:
        kept = scratch.pop(KIND, None)
        if not kept or (kept["what"], kept["whose"]) != (what, whose) or kept["until"] < time.time():
            raise WwtError(
                "This took too long, or was begun in another window. Load the page again, and try once more."
            )
        return base64url_to_bytes(kept["challenge"])


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise TypeError("expected the JSON of a credential")
    return answer


def _label(text: str) -> str:
    line = "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
    return line[:LONGEST_LABEL] or "passkey"
