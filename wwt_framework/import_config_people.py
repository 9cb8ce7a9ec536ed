"""Who may register, out of the original's ``valid_emails``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter, ValidationError

from wwt_framework.config_reading import Keys, printable
from wwt_framework.options import MailAddress

_ALLOWED: Mapping[str, TypeAdapter[Any]] = {
    "domains": TypeAdapter(list[Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]]),
    "whitelist": TypeAdapter(list[MailAddress]),
}


def registering(found: Mapping[Keys, Any]) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """Options of ``auth.local``; what was carried over; what was not, and why."""
    options: dict[str, list[str]] = {}
    carried: list[str] = []
    left: list[str] = []
    for key, allowed in _ALLOWED.items():
        if ("valid_emails", key) not in found:
            continue
        value = found["valid_emails", key]
        if value in (None, []):
            left.append(f"valid_emails.{key}: is empty")
            continue
        try:
            options[key] = list(allowed.validate_python(value))
        except ValidationError:
            left.append(f"valid_emails.{key}: expected a list of {key}; auth.local.{key} keeps its default")
            continue
        carried.append(f"valid_emails.{key} -> auth.local.{key}: {printable(', '.join(options[key]), 200)}")
    if options:
        left.append("wwt.mail: name the mail server there; without one nobody can register")
    return options, carried, left
