"""What CMS exit codes mean, in plain words, and when: from a dated file that is shipped beside this module."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import cache
from importlib.resources import files
from typing import Any

from wwt_framework import hookimpl
from wwt_framework.model import ExitCode
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext


class CmsExitCodes:
    """Say what an exit code meant at a time: WMCore has given some of them new meanings.

    List an exit-code plugin of your own before this one to change single words.
    """

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        pass

    @hookimpl
    def describe_exit_codes(self, at: datetime) -> Sequence[ExitCode]:
        """The meaning that every known code had at *at*; a code that did not exist then is left out."""
        return [code for code in every_meaning() if _applies(code, at)]


@cache
def every_meaning() -> tuple[ExitCode, ...]:
    """All meanings of all codes, by code and time."""
    # This module may be installed under any name, so the file is found beside it.
    text = (files(__package__ or "") / "data" / "exit_codes.json").read_text(encoding="utf-8")
    content = json.loads(text)
    return tuple(_exit_code(entry, content["sources"]) for entry in content["codes"])


def _exit_code(entry: Mapping[str, Any], sources: Mapping[str, str]) -> ExitCode:
    return ExitCode(
        code=entry["code"],
        short=entry["short"],
        meaning=entry["meaning"],
        category=entry["category"],
        advice=entry["advice"],
        since=_day(entry.get("since")),
        until=_day(entry.get("until")),
        source=sources[entry["source"]],
    )


def _day(text: str | None) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc) if text else None


def _applies(code: ExitCode, at: datetime) -> bool:
    """Whether *code* describes *at*; a span begins with its first day and ends before its last."""
    return (code.since is None or code.since <= at) and (code.until is None or at < code.until)
