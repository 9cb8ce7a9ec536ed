"""``wwt setup-tls``, and a server with what it made."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path

from wwt_framework.testing.certificates import Authority

CHEAP = "auth:\n  local: {time_cost: 1, memory_kib: 8, parallelism: 1}\n"


def served(wwt, lines: str, trusted: Path) -> str:
    """The scheme and the HSTS header of a server with *lines* in its plugins.yml."""
    wwt.write(f"wwt:\n  listen: 127.0.0.1:0\n{lines}\n{CHEAP}")
    server = wwt.start("serve")
    context = ssl.create_default_context(cafile=str(trusted))
    with urllib.request.urlopen(server.address + "/health", context=context, timeout=60) as answer:
        return f"{server.address.partition(':')[0]} {answer.headers['Strict-Transport-Security']}"


def test_c5_a_key_is_made_encrypted_and_serves_with_what_the_command_says(wwt) -> None:
    (wwt.folder / "phrase").write_text("correct horse battery\n")
    names = ["--host", "wwt.example.org", "--host", "127.0.0.1"]
    lines = wwt.run("setup-tls", *names, "--encrypt", "aes192", "--passphrase-file", "phrase").stdout

    assert served(wwt, lines, wwt.folder / "keys" / "cert.pem") == "https max-age=31536000"


def test_c5_existing_files_are_linked_and_serve(wwt) -> None:
    authority = Authority(wwt.folder / "authority")
    both = authority.server()
    both.chmod(0o600)
    lines = wwt.run("setup-tls", "--link", str(both), str(both)).stdout

    assert (wwt.folder / "keys" / "privkey.pem").readlink() == both
    assert served(wwt, lines, authority.path).startswith("https ")
