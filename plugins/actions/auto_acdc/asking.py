"""Asking the service that knows the rules: GET of ``<static>?wf=<workflow>`` -> ``{workflow, parameters}``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from wwt_framework.errors import SourceError

#: Longest answer that is read, bytes.
_MOST = 1_000_000
#: After so many questions without an answer the service is not asked any more in this round.
_PATIENCE = 5


@dataclass(frozen=True)
class Rule:
    """What the service would do with a workflow."""

    workflow: str
    parameters: Mapping[str, Any]  # {Action, Parameters, Reasons, user}
    info: Mapping[str, Any] = field(default_factory=dict)  # additional_info: errors, main_err, ...


class Service:
    """The service at one address."""

    def __init__(self, http: requests.Session, address: str, timeout_s: float, user: str) -> None:
        self._http = http
        self._address = address
        self._timeout_s = timeout_s
        self._user = user

    def ask(self, workflow: str) -> Rule | None:
        """What would be done with *workflow*; None: nothing. Raises `SourceError` when that is not known."""
        until = time.monotonic() + self._timeout_s
        try:
            with self._http.get(
                self._address, params={"wf": workflow}, timeout=self._timeout_s, stream=True, allow_redirects=False
            ) as answer:
                if answer.status_code != 200:
                    raise SourceError(f"{self._address} answered {answer.status_code} {answer.reason or ''}".strip())
                body = b"".join(self._parts(answer, until))
                answer._content = body  # noqa: SLF001  # so that json() reads what we have read
                told = answer.json()
        except (requests.JSONDecodeError, RecursionError) as err:
            raise SourceError(f"{self._address} answered with something that is no JSON") from err
        except (requests.RequestException, HTTPError) as err:
            raise SourceError(f"{self._address} can not be asked: {type(err).__name__}") from err
        return self._understood(told, workflow)

    def _parts(self, answer: requests.Response, until: float) -> Iterator[bytes]:
        """The body, as long as it is neither too long nor too slow."""
        size = 0
        while part := answer.raw.read1(65_536, decode_content=True):  # whoever drips is looked at drop by drop
            size += len(part)
            if size > _MOST:
                raise SourceError(f"{self._address} answered with more than {_MOST:,} bytes")
            if time.monotonic() > until:
                raise SourceError(f"{self._address} did not answer within {self._timeout_s:g} s")
            yield part

    def _understood(self, told: Any, workflow: str) -> Rule | None:
        if told in ({}, None):
            return None
        parameters = told.get("parameters") if isinstance(told, dict) else None
        if not isinstance(parameters, dict) or not isinstance(parameters.get("Action"), str):
            raise SourceError(f"{self._address} answered without parameters > Action for {workflow}")
        if told.get("workflow") != workflow:
            raise SourceError(f"{self._address} was asked about {workflow}, and answered about something else")
        if not parameters["Action"]:
            return None
        info = told.get("additional_info")
        return Rule(workflow, {**parameters, "user": self._user}, info if isinstance(info, dict) else {})


@dataclass(frozen=True)
class Round:
    """What came of asking about many workflows."""

    rules: tuple[Rule, ...]
    unknown: Mapping[str, str]  # workflow -> why it is not known what would be done with it


def ask_all(
    ask: Callable[[str], Rule | None],
    workflows: Iterable[str],
    gather: Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]],
) -> Round:
    """Ask about every one of *workflows*; a service that does not answer at all is left alone after some tries."""
    names = list(workflows)
    failed: list[str] = []

    def one(name: str) -> Rule | None:
        if len(failed) >= _PATIENCE:
            raise SourceError("not asked: the service did not answer before")
        try:
            return ask(name)
        except SourceError:
            failed.append(name)
            raise

    rules, unknown = [], {}
    for name, answer in zip(names, gather(one, names), strict=True):
        if isinstance(answer, Rule):
            rules.append(answer)
        elif isinstance(answer, Exception):
            unknown[name] = str(answer)
    return Round(tuple(rules), unknown)
