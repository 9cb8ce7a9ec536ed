"""Mail addresses as people write them -> what may stand in a header and in an SMTP command.

Names and subjects come from outside: whatever could begin another header, another command or another
recipient is refused here, before anything is kept.
"""

from __future__ import annotations

import re
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry
from typing import Any

_LONGEST_TEXT = 500  # characters of a name with its address
_LONGEST = 254  # octets of an address, RFC 5321 4.5.3.1.3
_LONGEST_LOCAL = 64  # octets before the @, RFC 5321 4.5.3.1.1
# Letters beyond ASCII before the @ need SMTPUTF8 on every server on the way; hardly anybody has such an address.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*", re.IGNORECASE)
_EXPECTED = "expected one address like olga@example.org or Olga Example <olga@example.org>"
_HEADERS = HeaderRegistry()


def address(text: str) -> Address:
    """The one address in *text*, its domain in ASCII. Raises ValueError, a sentence that quotes *text* in part."""
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"{_EXPECTED}, got {len(text)} characters")
    shown = ascii(text) if len(text) <= 80 else f"{text[:80]!a}..."
    if not text.isprintable():
        raise ValueError(f"{_EXPECTED}, got {shown} with what can not be printed")
    try:
        header: Any = _HEADERS("to", text)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        MessageError,
        RecursionError,
    ):  # how the parser gives up
        raise ValueError(f"{_EXPECTED}, got {shown}") from None
    # A second address that was dropped, a comment that does not end: the parser takes it and notes a defect.
    if header.defects or len(header.addresses) != 1 or header.groups[0].display_name is not None:
        raise ValueError(f"{_EXPECTED}, got {shown}")
    found: Address = header.addresses[0]
    name, local = found.display_name, found.username
    if not _LOCAL.fullmatch(local) or not name.isprintable():
        raise ValueError(f"{_EXPECTED}, got {shown}")
    made = Address(name, local, _domain(found.domain, shown))
    if len(made.addr_spec.encode()) > _LONGEST or len(local.encode()) > _LONGEST_LOCAL:
        raise ValueError(f"{_EXPECTED}; {shown} is longer than mail servers take")
    return made


def _domain(domain: str, shown: str) -> str:
    """*domain* as the DNS has it: xn--bcher-kva.example."""
    try:
        name = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _DOMAIN.fullmatch(name):
        raise ValueError(f"{_EXPECTED}, got {shown}; what follows the @ is no name of a host")
    return name.lower()
