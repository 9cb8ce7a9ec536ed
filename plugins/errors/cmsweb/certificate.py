"""The grid certificate with which we introduce ourselves: where it is, and how long it is good for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from wwt_framework.errors import SourceError


@dataclass(frozen=True)
class Certificate:
    """A PEM file; ``key`` None: the same file holds the key, as grid proxies do."""

    path: Path
    key: Path | None
    ends: datetime  # the earliest of the chain, UTC

    def words(self, now: datetime, soon: timedelta) -> str:
        """What is wrong with it, or soon will be; "" while it is good for longer than *soon*."""
        left = self.ends - now
        if left <= timedelta(0):
            return f"{self.path} expired at {self.ends:%Y-%m-%d %H:%M} UTC; make a new proxy with voms-proxy-init"
        if left <= soon:
            hours = left.total_seconds() / 3600
            return f"{self.path} expires in {hours:.1f} h, at {self.ends:%Y-%m-%d %H:%M} UTC; make a new one before"
        return ""


def where(path: Path | None, environment: Mapping[str, str]) -> Path:
    """The file to use: *path* of the options, $X509_USER_PROXY, or what voms-proxy-init writes."""
    if path is not None:
        return path
    return Path(environment.get("X509_USER_PROXY") or f"/tmp/x509up_u{os.geteuid()}")  # noqa: S108 - its fixed place


def read(path: Path, key: Path | None) -> Certificate:
    """The certificate at *path*. Raises SourceError that says what is missing."""
    try:
        data = path.read_bytes()
        if key is not None:
            with key.open("rb"):  # only whether we may: its content stays there
                pass
    except OSError as error:
        raise SourceError(
            f"{error.filename or path}: the grid certificate can not be read ({error.strerror}); make a proxy with "
            "voms-proxy-init, or name the file in the option certificate or in $X509_USER_PROXY"
        ) from None
    try:
        chain = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise SourceError(f"{path}: expected a certificate in PEM form, as voms-proxy-init writes it") from None
    if key is None and b"PRIVATE KEY" not in data:
        raise SourceError(f"{path}: holds a certificate without its key; name the file of the key in the option key")
    return Certificate(path, key, min(one.not_valid_after_utc for one in chain))
