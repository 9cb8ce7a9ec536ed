"""Which workflows need an operator, as Unified says it in its statuses.json."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from wwt_framework import hookimpl
from wwt_framework.errors import SourceError
from wwt_framework.model import Workflows
from wwt_framework.options import ConfigPath, Location, PluginOptions
from wwt_framework.plugin import Health, PluginContext

from .._cms import reading
from .._cms.parsing import parse_carefully, shown
from .._cms.statuses import waiting


class UnifiedStatus:
    """List the workflows that wait for an operator: those with "manual" in one of their statuses.

    Reads Unified's ``{workflow: [statuses]}`` from a file or an address, again at every refresh.
    What fails in them is told by other sources (cmsweb).
    """

    class Options(PluginOptions):
        path: Location = Field(description="file or URL of statuses.json")
        token: SecretStr | None = Field(
            None, description="sent as `Authorization: Bearer TOKEN`; best {$file: PATH} or {$env: NAME}"
        )
        certificate: ConfigPath | None = Field(
            None, description="PEM file of a grid proxy, where the address wants one"
        )
        ca: ConfigPath | None = Field(None, description="file or folder of the authorities that sign the server's one")
        may_be_empty: bool = Field(False, description="true: believe it when it says that no workflow waits at all")
        timeout_s: float = Field(60, gt=0, description="seconds after which an answer that only trickles is given up")
        max_mb: int = Field(64, ge=1, le=4096, description="refuse what is larger, in megabytes, unpacked")

        _by_http = field_validator("path")(reading.check_location)

        @field_validator("token")
        @classmethod
        def _one_word(cls, value: SecretStr | None) -> SecretStr | None:
            text = value.get_secret_value() if value else "x"
            if not text or not text.isascii() or not text.isprintable() or " " in text:
                raise ValueError("expected one word of letters, digits and signs, as it stands after Bearer")
            return value

        @model_validator(mode="after")
        def _not_in_the_clear(self) -> UnifiedStatus.Options:
            if self.token is not None and not _is_safe(self.path):
                raise ValueError("a token is only sent by HTTPS; expected a path that begins with https://")
            return self

    def __init__(self, context: PluginContext[Options]) -> None:
        options = context.options
        self._context = context
        self._where = reading.shown(options.path)
        if options.token is not None:
            context.http.headers["Authorization"] = f"Bearer {options.token.get_secret_value()}"
        reading.identify(context.http, options.certificate, options.ca)

    @hookimpl
    def list_workflows(self) -> Workflows:
        """The workflows that wait, with what Unified says of them; what can not be read of it is named."""
        options: UnifiedStatus.Options = self._context.options
        data = reading.read(options.path, self._context.http, options.max_mb << 20, options.timeout_s)
        told = parse_carefully(data, self._where)
        if not isinstance(told, dict):
            raise SourceError(f"{self._where}: expected {{workflow: [statuses]}}, got {shown(told)}")
        found, faults = waiting(told)
        rejected = faults.all()
        if not found and told and len(rejected) >= len(told):
            first = rejected[0]
            raise SourceError(f"{self._where}: nothing of it can be read; the first fault: {first.path}: {first.why}")
        if not found and not rejected and not options.may_be_empty:
            raise SourceError(
                f"{self._where} names no workflow that waits for an operator, as a failing service would answer; "
                "if that can be true, say may_be_empty: true"
            )
        return Workflows(tuple(found), rejected)

    @hookimpl
    def report_health(self) -> Health:
        """Whether there is anything to read."""
        return reading.health(self._context.options.path, self._context.http)


def _is_safe(location: str) -> bool:
    """Whether nobody on the way can read what is sent to *location*."""
    parts = urlsplit(location)
    if parts.scheme.lower() != "http":
        return parts.scheme.lower() == "https"
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
