"""What plugins.yml can say: the base of every plugin's options, the house's own keys, the ``wwt:`` block.

A plugin's options are a class inside it; a field's description is its documentation::

    class Options(PluginOptions):
        path: Location = Field(description="file or URL of all_errors.json")
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from wwt_framework.addresses import address

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True, hide_input_in_errors=True)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_STORES = re.compile(r"(sqlite|postgres|postgresql|psycopg3)(\+[a-z]+)?://")


def _in_folder(path: Path, info: ValidationInfo) -> Path:
    """*path* with ``~`` expanded; a relative one belongs to the folder of plugins.yml."""
    if "\0" in str(path):
        raise ValueError("expected the path of a file or folder")
    try:
        return Path((info.context or {}).get("folder", "")) / path.expanduser()
    except RuntimeError:  # ~nobody
        raise ValueError("expected the path of a file or folder; there is no such home") from None


def _location(text: str, info: ValidationInfo) -> str:
    return text if _URL.match(text) else str(_in_folder(Path(text), info))


def _not_empty(value: Any) -> Any:
    if value == "":
        raise ValueError("expected a path; leave the key out to have none")
    return value


ConfigPath = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(_in_folder)]
"""A path; when relative, relative to the folder of plugins.yml."""


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"expected an existing file, got '{path}'")
    return path


ExistingFile = Annotated[ConfigPath, AfterValidator(_existing)]
"""A ``ConfigPath`` at which a file lies."""

Location = Annotated[str, BeforeValidator(_not_empty), AfterValidator(_location)]
"""A URL as it stands, or a path as in ``ConfigPath``."""


def _mail_address(text: str) -> str:
    return str(address(text))


MailAddress = Annotated[str, AfterValidator(_mail_address)]
"""One mail address, with or without a name: ``Olga Example <olga@example.org>``."""


class HouseKeys(BaseModel):
    """What the house itself wants to know of a plugin; the plugin never sees these keys."""

    model_config = _STRICT

    use: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", description="name of the entry point; default: the key"
    )
    required: bool = Field(False, description="do not open the house without this plugin")
    shadow: bool = Field(False, description="ask it and note its answers, but let them change nothing")
    deadline_s: float | None = Field(None, gt=0, description="seconds after which its answer counts as missing")


def split_house_keys(mapping: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The house's keys of one plugin's block, and the plugin's own options."""
    house = {key: value for key, value in mapping.items() if key in HouseKeys.model_fields}
    return house, {key: value for key, value in mapping.items() if key not in house}


class PluginOptions(BaseModel):
    """Base of every plugin's ``Options``: nothing unknown, nothing changed later.

    A field may not have the name of a house key: TypeError when the class is made.
    """

    model_config = _STRICT

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            if taken := {name, field.alias} & HouseKeys.model_fields.keys():
                raise TypeError(f"{cls.__qualname__}.{name}: '{taken.pop()}' is the house's key; take another name")


class Webmaster(BaseModel):
    """Who answers for this installation."""

    model_config = _STRICT

    name: str = Field("", description="shown at the foot of pages and under mails")
    email: str = Field("", description="where questions go; empty: nowhere")

    @field_validator("email")
    @classmethod
    def _has_a_domain(cls, email: str) -> str:
        try:
            if email and address(email).addr_spec.lower() != email.lower():
                raise ValueError(email)
        except ValueError:
            raise ValueError("expected an address like name@example.org") from None
        return email


class Tls(BaseModel):
    """Certificate and key with which the pages are served."""

    model_config = _STRICT

    certificate: ExistingFile = Field(description="PEM file of the certificate, with its chain")
    key: ExistingFile = Field(description="PEM file of its private key")
    passphrase: SecretStr = Field(
        SecretStr(""), description="of an encrypted key; best {$file: PATH} or {$env: NAME}; empty: it is not encrypted"
    )
    client_ca: ConfigPath | None = Field(
        None,
        description="PEM file, or folder like /etc/grid-security/certificates, of authorities whose certificates "
        "visitors may show; without: nobody is asked for one",
    )

    @property
    def parts(self) -> tuple[Path, Path, str, Path | None]:
        """Certificate, key, its pass phrase, and authorities of visitors."""
        return self.certificate, self.key, self.passphrase.get_secret_value(), self.client_ca

    @field_validator("client_ca")
    @classmethod
    def _holds_authorities(cls, path: Path | None) -> Path | None:
        if path is not None and not path.exists():
            raise ValueError(f"expected an existing file or folder, got '{path}'")
        return path


_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class MailOptions(BaseModel):
    """The mail server of this installation."""

    model_config = _STRICT

    server: str = Field(description="host:port of the mail server, e.g. smtp.example.org:587")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls (mostly port 587), tls from the first byte (465), or none"
    )
    user: str = Field("", description="name with which to sign in there; empty: without")
    password: SecretStr = Field(SecretStr(""), description="its password; best {$file: PATH} or {$env: NAME}")
    sender: MailAddress = Field(description="address that mails come from, e.g. Grid console <wwt@example.org>")
    ca_file: ExistingFile | None = Field(
        None, description="PEM file of who vouches for the server; without: the system's"
    )
    timeout_s: float = Field(30, gt=0, le=600, description="seconds to wait for any answer of the server")
    per_hour: int = Field(200, ge=1, description="mails that are sent in one hour at most; others wait")
    give_up_days: float = Field(3, gt=0, le=30, description="days after which a mail is not tried any more")

    @property
    def host(self) -> str:
        """The server without brackets and port."""
        return self.server.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.server.rpartition(":")[2])

    @field_validator("server")
    @classmethod
    def _host_and_port(cls, text: str) -> str:
        if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})", text, re.ASCII):
            raise ValueError("expected host:port like smtp.example.org:587")
        if not 0 < int(text.rpartition(":")[2]) < 65536:
            raise ValueError("expected a port from 1 to 65535")
        return text

    @model_validator(mode="after")
    def _signs_in_safely(self) -> MailOptions:
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise ValueError("user and password belong together; give both or neither")
        if self.user and self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("security none would show the password to everybody on the way; take starttls or tls")
        return self


class Limit(BaseModel):
    """How often something may be tried."""

    model_config = _STRICT

    per_account: int = Field(10, ge=1, description="tries for one account within that time")
    per_address: int = Field(100, ge=1, description="tries from one address, for all accounts together")
    minutes: float = Field(15, gt=0, le=1440, description="how long a try counts")


class LimitsOptions(BaseModel):
    """What may be tried how often, by all processes together. What turns out well does not count."""

    model_config = _STRICT

    sign_in: Limit = Field(Limit(), description="wrong passwords, in the form and by basic")
    registration: Limit = Field(
        Limit(per_account=3, per_address=20, minutes=60), description="registrations; the account is the mail address"
    )
    reset: Limit = Field(
        Limit(per_account=3, per_address=20, minutes=60), description="password resets that are asked for"
    )


def _database_url(url: str, info: ValidationInfo) -> str:
    """*url* with the folder of plugins.yml in front of a relative file."""
    if not _STORES.match(url):
        raise ValueError("expected a database URL like sqlite:////var/lib/wwt/wwt.db or psycopg3://user@host/wwt")
    scheme, slashes, path = url.partition(":///")
    if slashes and scheme.startswith("sqlite") and path and not path.startswith((":memory:", "?")):
        return f"{scheme}:///{_in_folder(Path(path), info)}"
    return url


class HouseOptions(BaseModel):
    """The ``wwt:`` block of plugins.yml: what concerns the house and no plugin."""

    model_config = _STRICT

    listen: str = Field("127.0.0.1:8080", description="host:port of the pages; port 0 takes any free one")
    base_url: str | None = Field(None, description="address by which others reach the pages, for links in mails")
    tls: Tls | None = Field(None, description="certificate and key; without them the pages are plain HTTP")
    threads: int = Field(30, ge=1, le=1000, description="requests that are answered at the same time")
    open_reading: bool = Field(True, description="reading needs no sign-in")
    session_hours: float = Field(12, gt=0, description="hours after which one has to sign in again")
    session_idle_hours: float = Field(4, gt=0, description="hours without a request that end a session")
    limits: LimitsOptions = Field(LimitsOptions(), description="how often sign-in, registration and reset may be tried")
    trusted_proxies: tuple[str, ...] = Field(
        (), description="addresses or networks of servers in front, whose X-Forwarded-For is believed"
    )
    data_dir: ConfigPath = Field(Path("wwt-data"), description="folder of everything that is kept")
    store: str = Field("", repr=False, description="database URL; empty: sqlite:///<data_dir>/wwt.db")
    templates: ConfigPath | None = Field(
        None, description="folder of templates that replace shipped ones; taken up when they change"
    )
    pid_file: ConfigPath | None = Field(None, description="where the process number is written")
    log_dir: ConfigPath | None = Field(None, description="folder of access.log and application.log")
    refresh_minutes: float = Field(15, gt=0, description="minutes between two looks at the sources")
    sites_minutes: float = Field(30, ge=0, description="minutes between two looks at the states of sites; 0: each time")
    concurrency: int = Field(64, ge=1, le=1000, description="fetches that run at the same time")
    keep_snapshots: int = Field(3, ge=1, description="past snapshots that stay on disk")
    fit_hours: float = Field(24, gt=0, description="hours after which clusterers learn anew which workflows fail alike")
    compute: str = Field(
        "local", description="where heavy work is done: local, or a Dask cluster such as dask+tcp://scheduler:8786"
    )
    keep_logs_days: float = Field(
        30, gt=0, description="days for which a log text can be searched after it was last seen"
    )
    keep_logs_mb: int = Field(
        1_000, ge=1, description="megabytes of log texts that can be searched; the longest unseen go first"
    )
    predict: bool = Field(True, description="false: no page says what models expect, and none is trained by the clock")
    dry_run: bool = Field(False, description="rehearsal: nothing is handed to any executor, every page says so")
    include_all_acdcs: bool = Field(False, description="show ACDCs that have no errors, too")
    submit_history_days: float = Field(2, ge=0, description="days for which an action marks its workflow as acted")
    bulk_confirm_above: int = Field(
        20, ge=0, description="an action on more workflows than this needs their number to be typed"
    )
    automatic_at_most: int = Field(
        50, ge=1, description="actions that rules ask for by themselves after one refresh, at most"
    )
    evidence_days: float = Field(
        1100, gt=0, description="days for which it is kept what was on the page when an action was decided"
    )
    workflow_history: str = Field(
        "", repr=False, description="database URL of the history of failed jobs; empty: in the store"
    )
    history_days: float = Field(
        1100,
        ge=100,
        description="days after which a workflow that was not seen again, and sums of a day, are forgotten",
    )
    history_daily_days: float = Field(
        100, ge=100, description="days for which the history has every day; of what is older it has one day a week"
    )
    webmaster: Webmaster = Field(Webmaster(), description="name and email of who answers for this installation")
    mail: MailOptions | None = Field(None, description="the mail server; without it no mail is sent")

    @property
    def host(self) -> str:
        """Where to listen, without brackets: ``127.0.0.1``, ``::1``."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, text: str) -> str:
        match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})", text, re.ASCII)
        if not match or int(match[2]) > 65535:
            raise ValueError("expected host:port like 127.0.0.1:8080")
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError:
                raise ValueError(f"expected an address or network like 10.0.0.0/8, got {proxy!r}") from None
        return proxies

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
            raise ValueError("expected an address like https://wwt.example.org")
        return text and text.rstrip("/")

    @field_validator("store")
    @classmethod
    def _database(cls, url: str, info: ValidationInfo) -> str:
        if not url:
            return f"sqlite:///{info.data.get('data_dir', '')}/wwt.db"
        return _database_url(url, info)

    @field_validator("workflow_history")
    @classmethod
    def _another_database(cls, url: str, info: ValidationInfo) -> str:
        return url and _database_url(url, info)

    @field_validator("compute")
    @classmethod
    def _local_or_cluster(cls, text: str) -> str:
        if text != "local" and not re.fullmatch(r"dask\+tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}", text):
            raise ValueError("expected local, or a Dask scheduler like dask+tcp://scheduler:8786")
        return text

    @field_validator("templates")
    @classmethod
    def _is_a_folder(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_dir():
            raise ValueError(f"expected an existing folder, got '{path}'")
        return path
