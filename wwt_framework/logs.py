"""How the program writes its logs: constant sentences with fields after them, on the terminal and in files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in vars(record).items() if key not in _OWN)


class JsonLines(logging.Formatter):
    """One JSON object a line, for machines. Hostile text can not break the line: JSON escapes it."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        told.update(_fields(record))
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


class Plain(logging.Formatter):
    """One line for people: time, level, sentence, fields; fields are quoted, so that no text can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{key}={json.dumps(value, default=str)}" for key, value in _fields(record))
        when = self.formatTime(record, "%H:%M:%S")
        line = _printable(f"{when} {record.levelname.lower()}: {record.getMessage()} {fields}".rstrip())
        if not record.exc_info:
            return line
        # What was raised may say anything: set in, its lines are not taken for lines of the log.
        told = self.formatException(record.exc_info).split("\n")
        return "\n".join([line, *(f"    {_printable(one)}" for one in told)])


def _printable(line: str) -> str:
    """*line* without what a terminal would obey."""
    return line if line.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def on_terminal(level: int) -> None:
    """Write what is at least *level* to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(Plain())
    handler.setLevel(level)  # files may want to know more than the terminal
    logging.basicConfig(level=level, handlers=[handler])


def keep_logs(folder: Path | None) -> None:
    """Write ``access.log`` and ``application.log`` into *folder*; without one, nobody is told of single requests."""
    access = logging.getLogger("wwt_framework.access")
    access.propagate = False
    access.setLevel(logging.INFO)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it writes whole addresses, secrets in queries and all
    if folder is None:
        access.addHandler(logging.NullHandler())
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, logger in (("access.log", access), ("application.log", logging.getLogger())):
        handler = WatchedFileHandler(folder / name, encoding="utf-8")  # logrotate may move it
        handler.setFormatter(JsonLines() if logger is not access else logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    logging.getLogger("wwt_framework").setLevel(logging.INFO)
    logging.getLogger("wwt_plugins").setLevel(logging.INFO)
