"""Bytes of a file or an address, never more than a bound.

What can not be had is a ``SourceError``: a sentence with the place, without passwords.
"""

from __future__ import annotations

import os
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from wwt_framework.errors import SourceError
from wwt_framework.plugin import Health

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 16
#: Seconds after which an answer that only trickles is given up.
_LONGEST = 600

_REASONS = {
    "ConnectTimeout": "did not answer in time",
    "ReadTimeout": "did not answer in time",
    "ReadTimeoutError": "did not answer in time",
    "SSLError": "the server's certificate is not trusted, or it asks for another one of ours",
    "ProxyError": "the proxy does not answer",
    "TooManyRedirects": "sends from one address to the next without an end; is a sign-in needed?",
    "ContentDecodingError": "what arrived can not be unpacked",
    "InvalidURL": "is not an address that can be asked",
}

#: Tells whether a file is still the same one: (device, inode, size, time of the last change in ns).
Signature = tuple[int, int, int, int]


def check_location(location: str) -> str:
    """Return *location* when it is a path, or an address by HTTP; for validators of options."""
    if "://" in location and not is_url(location):
        raise ValueError("expected a path, or an address that begins with http:// or https://")
    return location


def identify(session: requests.Session, certificate: Path | None, ca: Path | None) -> None:
    """Have *session* show *certificate*, and trust servers that *ca* signed for; None: as it is."""
    if certificate is not None:
        session.cert = str(certificate)
    if ca is not None:
        session.verify = str(ca)


def is_url(location: str) -> bool:
    return location.lower().startswith(("http://", "https://"))


def shown(location: str) -> str:
    """*location* as it may stand in a message: no user, password or query of an address."""
    if not is_url(location):
        return location
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def read(location: str, session: requests.Session, max_bytes: int, longest_s: float = _LONGEST) -> bytes:
    """All bytes at *location*, unpacked when they are gzip."""
    return read_dated(location, session, max_bytes, longest_s)[0]


def read_dated(
    location: str, session: requests.Session, max_bytes: int, longest_s: float = _LONGEST
) -> tuple[bytes, datetime | None]:
    """The same, and when they were last changed; None where an address does not tell."""
    data, changed = (
        _fetch(location, session, max_bytes, longest_s) if is_url(location) else _read_file(location, max_bytes)
    )
    return unpack(data, shown(location), max_bytes), changed


def begins(location: str, session: requests.Session, n: int = 16) -> bytes:
    """The first *n* bytes at *location*: enough to know that it is there and what it is."""
    if is_url(location):
        with _answer(location, session) as response:
            return next(response.iter_content(n), b"")
    with open_regular(location) as file:
        return file.read(n)


def health(location: str, session: requests.Session) -> Health:
    """Whether there is anything to read at *location*."""
    try:
        first = begins(location, session)
    except SourceError as error:
        return Health(False, str(error))
    return Health(True, f"{shown(location)} can be read") if first else Health(False, f"{shown(location)} is empty")


def file_size(path: str) -> tuple[int, datetime]:
    """The size of a plain file in bytes, and when it was last changed. Raises SourceError."""
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        return status.st_size, datetime.fromtimestamp(status.st_mtime, timezone.utc)


def signature(path: str) -> Signature | None:
    """What changes when the file changes; None for an address and for what is not there."""
    if is_url(path):
        return None
    try:
        return _signature(Path(path).stat())
    except (OSError, ValueError):
        return None


@contextmanager
def open_regular(path: str) -> Iterator[BinaryIO]:
    """Open a plain file for reading; a folder, a pipe or a device is refused before it can block."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} can not be read: {getattr(error, 'strerror', None) or error}") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a folder" if stat.S_ISDIR(mode) else "no plain file"
        raise SourceError(f"{path} is {what}; expected a file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def check_size(where: str, size: int, max_bytes: int) -> None:
    """Raise SourceError when *size* is more than *max_bytes*."""
    if size > max_bytes:
        raise SourceError(f"{where} has {_megabytes(size)}, more than the {_megabytes(max_bytes)} that max_mb allows")


def unpack(data: bytes, where: str, max_bytes: int) -> bytes:
    """*data*, unpacked when it is gzip, and refused when that would be more than *max_bytes*."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    parts: list[bytes] = []
    size = 0
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                part = member.decompress(data, _CHUNK * 16)
            except zlib.error as error:
                raise SourceError(f"{where} is damaged gzip after {size:,} unpacked bytes: {error}") from error
            data = member.unconsumed_tail
            if not part and not data and not member.eof:
                raise SourceError(f"{where} is gzip that ends too early, after {size:,} unpacked bytes")
            size += len(part)
            if size > max_bytes:
                raise SourceError(f"{where} unpacks to more than {_megabytes(max_bytes)}, the most that max_mb allows")
            parts.append(part)
        data = member.unused_data.lstrip(b"\0")  # tapes and some copiers fill up with zeros
    return b"".join(parts)


def _read_file(path: str, max_bytes: int) -> tuple[bytes, datetime]:
    for _attempt in range(2):
        with open_regular(path) as file:
            before = os.fstat(file.fileno())
            check_size(path, before.st_size, max_bytes)
            try:
                data = file.read(max_bytes + 1)
            except OSError as error:
                raise SourceError(f"{path} can not be read: {error.strerror}") from error
            after = os.fstat(file.fileno())
        if _signature(before) == _signature(after) and len(data) == after.st_size:
            return data, datetime.fromtimestamp(after.st_mtime, timezone.utc)
    raise SourceError(f"{path} changes while it is being read; expected a file that is complete before it is put there")


def _fetch(url: str, session: requests.Session, max_bytes: int, longest_s: float) -> tuple[bytes, datetime | None]:
    where = shown(url)
    started = time.monotonic()
    parts: list[bytes] = []
    size = 0
    with _answer(url, session) as response:
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal():
            check_size(where, int(announced), max_bytes)
        # As it arrives: whoever sends one byte a second must not outwit the deadline.
        while part := response.raw.read1(_CHUNK, decode_content=True):
            size += len(part)
            if size > max_bytes:
                raise SourceError(f"{where} answers more than {_megabytes(max_bytes)}, the most that max_mb allows")
            if time.monotonic() - started > longest_s:
                raise SourceError(f"{where} took more than {longest_s:g} s for {size:,} bytes; given up")
            parts.append(part)
        if announced.isdecimal() and not response.headers.get("Content-Encoding") and size < int(announced):
            raise SourceError(f"{where} broke off after {size:,} of {int(announced):,} bytes")
        changed = _http_date(response.headers.get("Last-Modified", ""))
    return b"".join(parts), changed


def _http_date(text: str) -> datetime | None:
    """A date of HTTP; None for what is none."""
    try:
        return parsedate_to_datetime(text).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


@contextmanager
def _answer(url: str, session: requests.Session) -> Iterator[requests.Response]:
    where = shown(url)
    try:
        with session.get(url, stream=True) as response:
            if response.status_code != 200:
                raise SourceError(f"{where} answered {response.status_code} {response.reason}; expected 200 OK")
            yield response
    except (OSError, HTTPError) as error:  # every exception of requests is an OSError
        reason = _REASONS.get(type(error).__name__, "no connection, or it broke before everything had arrived")
        raise SourceError(f"{where}: {reason}") from None  # its own text, which may hold a password, stays out of logs


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _megabytes(n: int) -> str:
    return f"{n / (1 << 20):,.4g} MB"
