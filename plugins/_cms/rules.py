"""What counts as an error, by the rules that operators know; and how large anything may be."""

from __future__ import annotations

from wwt_framework.model import NOT_REPORTED

#: The name under which a source lists what only the ACDC server knows.
NOT_REPORTED_NAME = "NotReported"

LONGEST_PATH = 2_000  # characters of a task path; real ones stay under 600
LONGEST_SITE = 200
MOST_SITES = 5_000  # the grid has 190 names
MOST_CODES = 2_000  # and 190 exit codes
MOST_JOBS = 1_000_000_000  # in one cell; a workflow has millions at most
DIGITS = 9  # of an exit code


def is_dropped(path: str) -> bool:
    """Whether *path* is a task that collects logs or cleans up: nobody triages those."""
    if "LogCollect" not in path and "Cleanup" not in path:
        return False
    task = path.split("/", 2)[-1]  # a workflow may be called what it likes
    return "LogCollect" in task or "Cleanup" in task


def exit_code(name: str) -> int | None:
    """The exit code that *name* means; None for words, which are dropped by rule."""
    if name.isdecimal() and name.isascii():
        return int(name) if len(name) <= DIGITS else 10**DIGITS
    return NOT_REPORTED if name in (NOT_REPORTED_NAME, str(NOT_REPORTED)) else None
