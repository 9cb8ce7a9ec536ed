"""Goes over {task: {exit code: {site: n}}} cell by cell: keeps what can be read, and names the rest by its path."""

from __future__ import annotations

import math
import re
from typing import Any

from wwt_framework.model import NOT_REPORTED

from ..._cms.faults import Faults
from ..._cms.parsing import shown, shown_text
from ..._cms.rules import DIGITS, LONGEST_PATH, LONGEST_SITE, MOST_JOBS, NOT_REPORTED_NAME, exit_code, is_dropped
from .columns import Raw

_NUMBER = re.compile(r"\s*([0-9]{1,12})(\.0*)?\s*")


def mend(raw: dict[str, Any], faults: Faults) -> Raw:
    """What can be read of *raw*, as ``to_columns`` wants it; the rest is added to *faults*."""
    clean: Raw = {}
    for path, n in _again(raw).items():
        faults.add((path,), f"comes {n:,} times; expected once", workflow_of(path))
    for path, codes in raw.items():
        workflow = workflow_of(path)
        if not workflow:
            faults.add((path,), "expected /workflow/task")
        elif not isinstance(codes, dict):
            faults.add((path,), f"expected {{exit code: {{site: failed jobs}}}}, got {shown(codes)}", workflow)
        else:
            clean[path] = {} if is_dropped(path) else _codes(path, codes, faults)
    return clean


def _codes(path: str, codes: dict[str, Any], faults: Faults) -> dict[str, dict[str, int]]:
    workflow = workflow_of(path)
    clean: dict[str, dict[str, int]] = {}
    for name, n in _again(codes).items():
        if exit_code(name) is not None:
            faults.add((path, name), f"comes {n:,} times; expected once", workflow)
    for name, sites in codes.items():
        code = exit_code(name)
        if code is None:
            continue
        if code >= 10**DIGITS:
            faults.add((path, name), f"expected an exit code of at most {DIGITS} digits", workflow)
        elif not isinstance(sites, dict):
            faults.add((path, name), f"expected {{site: failed jobs}}, got {shown(sites)}", workflow)
        else:
            into = clean.setdefault(NOT_REPORTED_NAME if code == NOT_REPORTED else str(code), {})
            _sites((path, name), sites, into, faults)
    return clean


def _sites(keys: tuple[str, str], sites: dict[str, Any], into: dict[str, int], faults: Faults) -> None:
    workflow = workflow_of(keys[0])
    for site, n in _again(sites).items():
        faults.add((*keys, site), f"comes {n:,} times; expected once", workflow)
    for site, value in sites.items():
        if not site or not site.isprintable() or len(site) > LONGEST_SITE:
            faults.add((*keys, site), f"expected the name of a site, got {shown_text(site)}", workflow)
        elif site in into:
            faults.add((*keys, site), "comes again under another spelling of the exit code", workflow)
        else:
            number = read_count(value)
            if isinstance(number, str):
                faults.add((*keys, site), number, workflow)
            else:
                into[site] = number


def read_count(value: Any) -> int | str:
    """The number of failed jobs that *value* means, or the sentence that says why it means none."""
    if isinstance(value, str) and (match := _NUMBER.fullmatch(value)):
        value = int(match[1])
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return f"expected a number of failed jobs, got {shown(value)}"
    if not 0 <= value <= MOST_JOBS:
        return f"expected a number of failed jobs from 0 to {MOST_JOBS:,}, got {shown(value)}"
    return value


def workflow_of(path: str) -> str:
    """The workflow of a path that looks like /workflow/task; "" for any other."""
    first, *parts = path.split("/")
    good = not first and len(parts) > 1 and all(parts) and path.isprintable() and len(path) <= LONGEST_PATH
    return parts[0] if good else ""


def _again(found: dict[str, Any]) -> dict[str, int]:
    return getattr(found, "again", {})
