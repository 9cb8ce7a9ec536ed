"""config.yml and credential.yml of the original's workflowmonit -> options of the plugin workflowmonit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wwt_framework.addresses import address
from wwt_framework.config_messages import quote
from wwt_framework.config_reading import Keys, dotted, printable

KEYS: tuple[Keys, ...] = (
    ("alert_recipients",), ("producer",), ("topic",), ("cert",), ("key",), ("hostport", "host"), ("hostport", "port"),
)  # fmt: skip
_ONLY_THERE = {"workflow_status_db", *(keys[0] for keys in KEYS)}

Found = Mapping[Keys, tuple[Any, Path | None]]
"""Key of the original -> its value, and the folder of the file in which it stood."""


def is_of_monit(data: Mapping[Any, Any]) -> bool:
    """Whether a file is one of workflowmonit's: ``oracle`` alone can not tell."""
    return bool(_ONLY_THERE & data.keys()) and not data.keys() & {"host", "data", "actions"}


def watching(found: Found) -> tuple[dict[str, Any], list[str], list[str]]:
    """Options for ``extras.workflowmonit``, and in sentences what was carried over and what was left."""
    options: dict[str, Any] = {}
    carried: list[str] = []
    left: list[str] = []

    def keep(option: str, value: Any, origin: str) -> None:
        options[option] = value
        carried.append(f"{origin} -> extras.workflowmonit.{option}: {printable(str(value), 200)}")

    _broker(found, keep, left)
    for key in ("producer", "topic"):
        _text(found, key, keep, left)
    _files(found, keep, left)
    _people(found, keep, left)
    return options, carried, left


Keep = Callable[[str, Any, str], None]


def _broker(found: Found, keep: Keep, left: list[str]) -> None:
    origins = [keys for keys in (("hostport", "host"), ("hostport", "port")) if keys in found]
    if not origins:
        return
    host, port = (found.get(("hostport", key), (None, None))[0] for key in ("host", "port"))
    told = ", ".join(dotted(keys) for keys in origins)
    is_name = isinstance(host, str) and host and all(c.isascii() and (c.isalnum() or c in "._-") for c in host)
    if is_name and isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536:
        keep("brokers", [f"{host}:{port}"], told)
    else:
        left.append(f"{told}: expected the name of a host and a port; write extras.workflowmonit.brokers yourself")


def _text(found: Found, key: str, keep: Keep, left: list[str]) -> None:
    if (key,) not in found:
        return
    value = found[key,][0]
    if isinstance(value, str) and value:
        keep(key, value, key)
    else:
        left.append(f"{key}: expected a text, got {quote(value)}; extras.workflowmonit.{key} keeps its default")


def _files(found: Found, keep: Keep, left: list[str]) -> None:
    """Certificate and key; a key alone means nothing."""
    for key, option in (("cert", "certificate"), ("key", "key")):
        if (key,) not in found:
            continue
        value, folder = found[key,]
        if not isinstance(value, str) or not value or "\0" in value:
            left.append(f"{key}: expected the path of a PEM file, got {quote(value)}")
        elif key == "key" and not isinstance(found.get(("cert",), (None, None))[0], str):
            left.append("key: means nothing without cert")
        else:
            keep(option, str(folder / value) if folder else value, key)


def _people(found: Found, keep: Keep, left: list[str]) -> None:
    if ("alert_recipients",) not in found:
        return
    value = found["alert_recipients",][0]
    people = value if isinstance(value, list) else [value]
    good = [one for one in people if isinstance(one, str) and _is_address(one)]
    if good:
        keep("alert_recipients", good, "alert_recipients")
    if len(good) < len(people):
        bad = next(one for one in people if one not in good)
        left.append(f"alert_recipients: expected mail addresses, got {quote(bad)}; that is left out")


def _is_address(text: str) -> bool:
    try:
        address(text)
    except ValueError:
        return False
    return True
