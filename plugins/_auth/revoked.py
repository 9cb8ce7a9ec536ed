"""Lists of revoked certificates (CRLs): read from files that something else keeps fresh, as fetch-crl does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from wwt_framework.errors import Denied, PluginError

from .distinguished import Parts, parts_of, written

LOOK_S = 5.0  # between two looks at the files: a grid has hundreds, and every request asks
_SUFFIXES = {".pem", ".crl", ".der", ".crt", ".cer", *(f".r{n}" for n in range(10)), *(f".{n}" for n in range(10))}


@dataclass(frozen=True)
class _Known:
    """What the files said when they were read."""

    stamp: tuple[tuple[str, int, int], ...]
    lists: dict[Parts, x509.CertificateRevocationList]
    complaints: tuple[str, ...]  # files that could not be used


class Revoked:
    """The lists in *place*, a file or a folder, each signed by one of *authorities*, a file or a folder."""

    def __init__(self, place: Path, authorities: Path) -> None:
        self._place = place
        self._authorities = authorities
        self._lock = threading.Lock()
        self._known: _Known | None = None
        self._looked = 0.0

    def check(self, certificate: x509.Certificate, now: datetime) -> None:
        """Raises `Denied` for a certificate that is revoked, or of which nobody can tell."""
        issuer = written(certificate.issuer)
        found = self._current().lists.get(parts_of(certificate.issuer))
        if found is None:
            raise Denied(f"There is no list of revoked certificates of {issuer} here, so yours is not taken.")
        if found.next_update_utc is not None and found.next_update_utc < now:
            raise Denied(f"The list of revoked certificates of {issuer} is too old here, so yours is not taken.")
        if found.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise Denied(f"Your certificate {written(certificate.subject)} was revoked.")

    def told(self, now: datetime) -> tuple[bool, str]:
        """Whether all is well with the lists, and a half-sentence on them."""
        known = self._current()
        old = [written(one.issuer) for one in known.lists.values() if one.next_update_utc and one.next_update_utc < now]
        if known.complaints:
            return False, known.complaints[0]
        if old or not known.lists:
            return False, f"the list of {old[0]} is too old" if old else f"there is no list in {self._place}"
        return True, f"{len(known.lists)} lists of revoked certificates"

    def _current(self) -> _Known:
        """What the files say; looked at every few seconds, and read again when one of them changed."""
        with self._lock:
            now = time.monotonic()
            if self._known is None or now - self._looked >= LOOK_S:
                files = [*_files(self._place), *_files(self._authorities)]
                stamp = tuple((str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in files)
                if self._known is None or self._known.stamp != stamp:
                    self._known = self._read(stamp)
                self._looked = now
            return self._known

    def _read(self, stamp: tuple[tuple[str, int, int], ...]) -> _Known:
        authorities = [one for path in _files(self._authorities) for one in _certificates(path)]
        lists: dict[Parts, x509.CertificateRevocationList] = {}
        complaints = []
        for path in _files(self._place):
            if (found := _list(path)) is None:
                continue
            if not any(one.subject == found.issuer and _signed(found, one) for one in authorities):
                complaints.append(f"{path}: none of {self._authorities} signed this list")
                continue
            lists[parts_of(found.issuer)] = found
        return _Known(stamp, lists, tuple(complaints))


def _files(place: Path) -> Iterator[Path]:
    if not place.exists():
        raise PluginError(f"{place}: expected a file or a folder")
    if place.is_file():
        yield place
    else:
        yield from sorted(path for path in place.iterdir() if path.is_file() and path.suffix in _SUFFIXES)


def _certificates(path: Path) -> list[x509.Certificate]:
    data = path.read_bytes()
    return x509.load_pem_x509_certificates(data) if b"BEGIN CERTIFICATE" in data else []


def _list(path: Path) -> x509.CertificateRevocationList | None:
    """The list in *path*; None when it holds something else."""
    data = path.read_bytes()
    if b"-----BEGIN" in data and b"BEGIN X509 CRL" not in data:
        return None
    try:
        return x509.load_pem_x509_crl(data) if b"BEGIN X509 CRL" in data else x509.load_der_x509_crl(data)
    except ValueError:
        return None


def _signed(found: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return found.is_signature_valid(authority.public_key())  # type: ignore[arg-type]  # others raise TypeError
    except (TypeError, ValueError, InvalidSignature):
        return False
