"""``wwt setup-tls``: a certificate and its key where plugins.yml wants them, made by OpenSSL or linked."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wwt_framework.errors import WwtError
from wwt_framework.web.encrypted import Keys, make_adapter

CERTIFICATE, KEY = "cert.pem", "privkey.pem"  # the original's names
CIPHERS = ("aes128", "aes192", "aes256")
SHORTEST = 8  # characters of a pass phrase


@dataclass(frozen=True)
class Wanted:
    """What is to be made."""

    folder: Path
    hosts: Sequence[str]  # names and addresses by which visitors come; the first is the one that browsers show
    days: int = 365
    cipher: str = ""  # one of CIPHERS; "": the key is not encrypted
    passphrase_file: Path | None = None
    passphrase_variable: str = ""


def make(wanted: Wanted) -> str:
    """Make a key and a certificate signed with it; returns what to write into plugins.yml. Raises `WwtError`."""
    names = ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in wanted.hosts)
    phrase = _opened(wanted)
    certificate, key = _free(wanted.folder)
    encrypting = [f"-{wanted.cipher}", "-pass", _passphrase(wanted)] if wanted.cipher else []
    opening = ["-passin", _passphrase(wanted)] if wanted.cipher else []
    key.touch(0o600)
    try:
        curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        _openssl("genpkey", *curve, *encrypting, "-out", str(key))
        _openssl(
            "req", "-x509", "-new", "-sha256", "-days", str(wanted.days), "-subj", f"/CN={wanted.hosts[0]}",
            "-addext", f"subjectAltName={names}", "-addext", "extendedKeyUsage=serverAuth",
            "-key", str(key), *opening, "-out", str(certificate),
        )  # fmt: skip
        make_adapter(Keys(certificate, key, phrase))
    except WwtError:
        for path in (key, certificate):
            path.unlink(missing_ok=True)
        raise
    return _lines(wanted)


def link(folder: Path, certificate: Path, key: Path) -> str:
    """Link *certificate* and *key* into *folder*; returns what to write into plugins.yml. Raises `WwtError`."""
    for path in (certificate, key):
        if not path.is_file():
            raise WwtError(f"{path}: expected an existing file")
    mode = key.stat().st_mode & 0o777
    if mode & 0o077:
        raise WwtError(f"{key}: others can read this key (mode {mode:04o}); make it 0600: chmod 600 '{key}'")
    if "ENCRYPTED" not in key.read_text("ascii", "replace"):
        make_adapter(Keys(certificate, key))
    for to, path in zip(_free(folder), (certificate, key), strict=True):
        to.symlink_to(path.absolute())
    return _lines(Wanted(folder, ()))


def _free(folder: Path) -> tuple[Path, Path]:
    """Where certificate and key go. Raises `WwtError` when something lies there: keys are never replaced."""
    folder.mkdir(0o700, parents=True, exist_ok=True)
    places = folder / CERTIFICATE, folder / KEY
    for path in places:
        if path.exists() or path.is_symlink():
            raise WwtError(f"{path}: is there already; move it away, or take another --folder")
    return places


def _is_address(host: str) -> bool:
    """Raises `WwtError` for what is neither an address nor a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not host or not all(char.isascii() and (char.isalnum() or char in "-.*") for char in host):
            raise WwtError(f"--host: expected a name or an address like wwt.example.org, got '{host}'") from None
        return False
    return True


def _passphrase(wanted: Wanted) -> str:
    """As OpenSSL wants it: never in an argument, which everybody on the machine can read."""
    return f"file:{wanted.passphrase_file}" if wanted.passphrase_file else f"env:{wanted.passphrase_variable}"


def _opened(wanted: Wanted) -> str:
    """The pass phrase itself. Raises `WwtError` when there is none, or a short one."""
    if not wanted.cipher:
        return ""
    if wanted.passphrase_file:
        where, phrase = str(wanted.passphrase_file), wanted.passphrase_file.read_text("utf-8").partition("\n")[0]
    elif wanted.passphrase_variable:
        where, phrase = f"${wanted.passphrase_variable}", os.environ.get(wanted.passphrase_variable, "")
    else:
        raise WwtError("an encrypted key needs a pass phrase: --passphrase-file FILE, or --passphrase-env NAME")
    if len(phrase) < SHORTEST:
        raise WwtError(f"{where}: expected a pass phrase of at least {SHORTEST} characters, got {len(phrase)}")
    return phrase


def _openssl(*words: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise WwtError("the program openssl is not installed (Debian: apt-get install openssl); it makes the keys")
    done = subprocess.run(  # noqa: S603  # our own words, and no shell
        [program, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120
    )
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip()]
        raise WwtError(f"openssl {words[0]} failed: {'; '.join(told[:3]) or f'exit code {done.returncode}'}")


def _lines(wanted: Wanted) -> str:
    lines = [
        f"  tls:\n    certificate: {wanted.folder.absolute() / CERTIFICATE}\n    key: {wanted.folder.absolute() / KEY}"
    ]
    if wanted.passphrase_file:
        lines.append(f"    passphrase: {{$file: {wanted.passphrase_file.absolute()}}}")
    elif wanted.passphrase_variable:
        lines.append(f"    passphrase: {{$env: {wanted.passphrase_variable}}}")
    return "\n".join(lines)
