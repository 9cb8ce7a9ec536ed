"""Certificates for trials: an authority, a server's, and a grid proxy that is good for as long as asked."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme


class Authority:
    """Signs certificates; everything it makes lies in *folder*, ``path`` is its own certificate."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._authority = trustme.CA(organization_name="WWT trials")
        self.path = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.path))

    def server(self, host: str = "localhost") -> Path:
        """A PEM file of certificate and key for *host*, a name or an address; "localhost" is good for 127.0.0.1, too."""
        names = ("localhost", "127.0.0.1") if host == "localhost" else (host,)
        return self._write(self._authority.issue_cert(*names), f"server-{host}.pem")

    def person(self, name: str, good_for: timedelta = timedelta(hours=24)) -> Path:
        """A PEM file of certificate and key, as voms-proxy-init writes it; a negative *good_for* has expired."""
        now = datetime.now(timezone.utc)
        begin = now + min(timedelta(0), good_for) - timedelta(hours=1)
        issued = self._authority.issue_cert(
            f"{name}@example.org", common_name=name, not_before=begin, not_after=now + good_for
        )
        return self._write(issued, f"person-{name}.pem")

    def _write(self, issued: trustme.LeafCert, file: str) -> Path:
        path = self._folder / file
        path.touch(0o600)
        issued.private_key_and_cert_chain_pem.write_to_path(str(path))
        return path
