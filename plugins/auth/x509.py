"""People who show a certificate, to this server or to one in front of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote

from cryptography import x509
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wwt_framework import hookimpl
from wwt_framework.documents import Entry, read_document
from wwt_framework.errors import Denied, PluginError
from wwt_framework.model import User
from wwt_framework.options import ConfigPath, PluginOptions
from wwt_framework.plugin import Health, LoginOption, PluginContext, Visit

from .._auth.distinguished import Parts, parts_of, read, written
from .._auth.fronts import Ignored, ProxyNetwork, as_said, is_among
from .._auth.granting import known_roles, usable_name
from .._auth.revoked import Revoked

_PROXIES = ("1.3.6.1.5.5.7.1.14", "1.3.6.1.4.1.3536.1.222")  # RFC 3820, and the draft before it
_OLD_PROXIES = ((("CN", "proxy"),), (("CN", "limited proxy"),))
_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Head(BaseModel):
    """Nothing but the list."""

    model_config = _STRICT


class Person(BaseModel):
    """One entry of the file of people."""

    model_config = _STRICT

    dn: Parts
    user: str
    roles: tuple[str, ...] = ()
    full_name: str = ""
    email: str = ""

    @field_validator("dn", mode="before")
    @classmethod
    def _read(cls, text: object) -> Parts:
        return read(str(text))

    @field_validator("user")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        try:
            return usable_name(name, "this entry")
        except Denied as err:
            raise ValueError(str(err)) from None

    @field_validator("roles")
    @classmethod
    def _are_roles(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        known_roles(roles)
        return roles


class X509:
    """Know people by their certificate, shown to this server or to a proxy in front of it."""

    class Options(PluginOptions):
        people: ConfigPath = Field(description="YAML file: the list people, with dn, user and roles of each")
        proxies: tuple[ProxyNetwork, ...] = Field(
            (), description="addresses of proxies that hand certificates on; without: only those shown to this server"
        )
        header: str = Field("X-SSL-Client-Cert", description="header in which a proxy hands the certificate on, as PEM")
        verified: str = Field("X-SSL-Client-Verify", description="header in which a proxy says SUCCESS")
        crl: ConfigPath | None = Field(
            None,
            description="file or folder of lists of revoked certificates; then one of each authority must be there",
        )
        ca: ConfigPath | None = Field(None, description="file or folder of the authorities that signed these lists")

        @model_validator(mode="after")
        def _belong_together(self) -> X509.Options:
            if bool(self.crl) != bool(self.ca):
                raise ValueError("crl and ca belong together; give both or neither")
            return self

    def __init__(self, context: PluginContext[Options]) -> None:
        options = context.options
        self._name = context.name
        self._log = context.log
        self._options = options
        self._people = People(options.people)
        self._revoked = Revoked(options.crl, options.ca) if options.crl and options.ca else None
        self._ignored = Ignored(context.log)

    @hookimpl
    def startup(self) -> None:
        """Raises `PluginError` when the file of people, or a folder, can not be used."""
        self._people.current()
        if self._people.problems:
            raise PluginError("\n".join(self._people.problems))
        if self._revoked:
            self._revoked.told(datetime.now(timezone.utc))  # read now: the first visitor has no time for it

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        """Nothing to click: a browser shows a certificate by itself, or asks which one."""
        return [LoginOption("Certificate", "/", "Your browser shows it by itself, if it has one that is known here.")]

    @hookimpl
    def identify(self, visit: Visit) -> User | None:
        """The person of the certificate; nobody without one, or when nobody here has it. Raises `Denied` for a bad one."""
        pem = self._shown(visit)
        name = visit.client_certificate.get("subject", "")
        if pem:
            certificate = _parsed(pem)
            self._check(certificate, datetime.now(timezone.utc))
            name, parts = written(certificate.subject), parts_of(certificate.subject)
        elif name:
            parts = self._by_name(name)
        else:
            return None
        person = self._people.current().get(parts)
        if person is None:
            self._log.info("a certificate belongs to nobody here", extra={"dn": name})
            return None
        return User(person.user, person.full_name, person.email, frozenset(person.roles), self._name)

    def _shown(self, visit: Visit) -> str:
        """The certificate in PEM, "" without one. Raises `Denied` when whoever took it did not trust it."""
        direct = visit.client_certificate
        if direct:
            if direct.get("verified") != "SUCCESS":
                raise Denied(f"Your certificate was not taken: {direct.get('verified', 'it was not verified')}.")
            return direct.get("pem", "")
        handed = as_said(visit.headers.get(self._options.header.lower(), ""))
        if not handed:
            return ""
        if not is_among(visit.peer, self._options.proxies):
            self._ignored.note(visit)
            return ""
        verified = as_said(visit.headers.get(self._options.verified.lower(), ""))
        if verified != "SUCCESS":
            raise Denied(
                f"The server in front of this one did not take your certificate: {verified[:100] or 'no word'}."
            )
        return handed

    def _by_name(self, name: str) -> Parts:
        """The parts of a name that is all that the server in front tells (and `wwt auth try --dn`)."""
        if self._revoked:
            raise Denied(
                "Whether your certificate was revoked can not be told: the server in front hands on its name only."
            )
        try:
            return read(name)
        except ValueError as err:
            raise Denied(f"The server in front of this one hands on a name of no certificate: {err}.") from None

    def _check(self, certificate: x509.Certificate, now: datetime) -> None:
        """Raises `Denied` in words for what is not, or not any more, a person's certificate."""
        name = written(certificate.subject)
        if _is_proxy(certificate):
            raise Denied(
                f"{name} is a grid proxy, which is not taken here: show the certificate itself "
                "(usercert.pem with userkey.pem, not /tmp/x509up_u...)."
            )
        if certificate.not_valid_after_utc < now:
            raise Denied(f"Your certificate {name} ended at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC.")
        if certificate.not_valid_before_utc > now:
            raise Denied(f"Your certificate {name} begins at {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC.")
        if self._revoked:
            self._revoked.check(certificate, now)

    @hookimpl
    def report_health(self) -> Health:
        people = self._people.current()
        if self._people.problems:
            return Health(False, self._people.problems[0])
        told = f"knows {len(people)} certificates{self._ignored.text}"
        if self._revoked is None:
            return Health(True, told)
        ok, more = self._revoked.told(datetime.now(timezone.utc))
        return Health(ok, f"{told}; {more}")


@dataclass(frozen=True)
class _Read:
    stamp: tuple[int, int]
    people: Mapping[Parts, Person]


class People:
    """The file of people, read again when it changes. One with a mistake is not taken up, and `problems` say why."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read = _Read((0, 0), {})
        self.problems: tuple[str, ...] = ()

    def current(self) -> Mapping[Parts, Person]:
        """Name of a certificate -> person."""
        with self._lock:
            try:
                stat = self._path.stat()
            except OSError as err:
                self.problems = (f"{self._path}: can not be read ({err.strerror}); expected a YAML file of people",)
                return self._read.people
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._read.stamp:
                document = read_document(self._path, "people", Head, Person)
                self.problems = (*document.problems, *_twice(document.entries))
                kept = self._read.people if self.problems else {e.value.dn: e.value for e in document.entries}
                self._read = _Read(stamp, kept)
            return self._read.people


def _twice(entries: tuple[Entry[Person], ...]) -> list[str]:
    first: dict[Parts, str] = {}
    return [
        f"{entry.where()}: this dn stands at {first[entry.value.dn]} already"
        for entry in entries
        if first.setdefault(entry.value.dn, entry.where()) != entry.where()
    ]


def _parsed(pem: str) -> x509.Certificate:
    """The certificate that a server handed on: as it is, escaped as nginx does, or in one line as Apache does."""
    text = unquote(pem) if "%" in pem else pem
    head, _, rest = text.partition("-----BEGIN CERTIFICATE-----")
    body, end, _ = rest.partition("-----END CERTIFICATE-----")
    if head.strip() or not end:
        raise Denied("The server in front of this one hands on a certificate that is no PEM.")
    lines = "\n".join(["-----BEGIN CERTIFICATE-----", *body.split(), "-----END CERTIFICATE-----", ""])
    try:
        return x509.load_pem_x509_certificate(lines.encode("ascii", "replace"))
    except ValueError as err:
        raise Denied(f"Your certificate can not be read ({err}).") from None


def _is_proxy(certificate: x509.Certificate) -> bool:
    if any(last in _OLD_PROXIES for last in parts_of(certificate.subject)[-1:]):
        return True
    try:
        return any(one.oid.dotted_string in _PROXIES for one in certificate.extensions)
    except ValueError:  # extensions that can not be read
        return False
