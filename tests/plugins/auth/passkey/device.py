"""A device that keeps passkeys, in Python: what a browser would send, right or wrong in one respect."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url

ORIGIN = "https://wwt.example.org"
UP, UV, AT = 0x01, 0x04, 0x40  # user present, user verified, attested data follow


@dataclass
class Device:
    """One passkey. ``origin`` is where its browser believes to be."""

    origin: str = ORIGIN
    verified: bool = True
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def name(self) -> str:
        return bytes_to_base64url(self.id)

    def create(self, options: Any) -> dict[str, Any]:
        """The answer to the options of an addition."""
        numbers = self._key.public_key().public_numbers()
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + key
        data = self._data(options["rp"]["id"], AT) + attested
        client = self._client("webauthn.create", options["challenge"])
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            {"attestationObject": bytes_to_base64url(made), "clientDataJSON": bytes_to_base64url(client)}
        )

    def get(self, options: Any) -> dict[str, Any]:
        """The answer to a challenge."""
        self.count += 1
        data = self._data(options["rpId"], 0)
        client = self._client("webauthn.get", options["challenge"])
        signed = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer({
            "authenticatorData": bytes_to_base64url(data), "clientDataJSON": bytes_to_base64url(client),
            "signature": bytes_to_base64url(signed), "userHandle": None,
        })  # fmt: skip

    def _data(self, host: str, more: int) -> bytes:
        flags = UP | more | (UV if self.verified else 0)
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, what: str, challenge: str) -> bytes:
        return json.dumps({"type": what, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        return {"id": self.name, "rawId": self.name, "type": "public-key", "response": response,
                "clientExtensionResults": {}}  # fmt: skip
