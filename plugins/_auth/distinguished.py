"""Names of certificates, written one way: ``/DC=ch/DC=cern/OU=Users/CN=olga``, as the grid writes them.

Servers write the same name in several ways (OpenSSL, RFC 4514, and backwards), so it is read off the certificate.
Names are compared part by part, never as texts: a part may hold what looks like two.
"""

from __future__ import annotations

import re

from cryptography import x509

#: What OpenSSL calls the parts that RFC 4514 has no names for.
_NAMES = {
    "1.2.840.113549.1.9.1": "emailAddress", "2.5.4.5": "serialNumber", "2.5.4.4": "SN", "2.5.4.42": "GN", "2.5.4.12": "title",
}  # fmt: skip
_ALSO = {"EMAIL": "EMAILADDRESS", "E": "EMAILADDRESS", "USERID": "UID", "DOMAINCOMPONENT": "DC", "COMMONNAME": "CN"}

#: A name as parts, the root's first; each part is (kind, value) pairs, mostly one.
Parts = tuple[tuple[tuple[str, str], ...], ...]


def parts_of(name: x509.Name) -> Parts:
    """*name* part by part, as it stands in the certificate."""
    return tuple(
        tuple(sorted((_kind(one.rfc4514_attribute_name), str(one.value)) for one in part)) for part in name.rdns
    )


def written(name: x509.Name) -> str:
    """*name* as the grid writes it."""
    return "".join(
        "/"
        + "+".join(f"{_NAMES.get(a.rfc4514_attribute_name, a.rfc4514_attribute_name)}={_shown(a.value)}" for a in part)
        for part in name.rdns
    )


def read(text: str) -> Parts:
    """A name that somebody wrote, as ``/DC=ch/CN=olga`` or as ``CN=olga,DC=ch``. Raises ValueError in words."""
    text = text.strip()
    if text.startswith("/"):
        pieces = re.split(r"/(?=[A-Za-z][A-Za-z0-9.]*=|[0-9]+(?:\.[0-9]+)+=)", text)[1:]
        pairs = [piece.partition("=") for piece in pieces]
        if pairs and all(value for _, _, value in pairs):
            return tuple(((_kind(kind), value),) for kind, _, value in pairs)
    else:
        try:
            found = x509.Name.from_rfc4514_string(text, _EXTRA)
        except ValueError:
            found = None
        if found is not None and found.rdns:
            return parts_of(found)
    raise ValueError(f"expected the name of a certificate like /DC=ch/DC=cern/CN=olga, got '{text}'")


_EXTRA = {name: x509.ObjectIdentifier(oid) for oid, name in _NAMES.items()}


def _kind(name: str) -> str:
    kind = _NAMES.get(name, name).upper()
    return _ALSO.get(kind, kind)


def _shown(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
