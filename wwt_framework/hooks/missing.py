"""What to install when a plugin needs a module that is not there."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)[^;]*(?:;.*?\bextra\s*==\s*[\"']([^\"']+)[\"'])?")


def missing_module(error: ModuleNotFoundError, entry: EntryPoint) -> str:
    """A sentence: which module is missing, and what brings it."""
    name = error.name or ""
    if not name:
        return f"importing {entry.value} raised {error}"
    if f"{entry.module}.".startswith(f"{name}."):
        return f"its entry point names the module {entry.module}, and there is no {name}; install the package again"
    top = name.partition(".")[0]
    if top == entry.module.partition(".")[0]:
        return f"it imports its own module {name}, which is not there; install the package again"
    return f"it needs the Python module '{name}', which is not installed; {_advice(top, entry)}"


def _advice(top: str, entry: EntryPoint) -> str:
    """The requirement of the plugin's distribution that looks like *top*, or *top* itself."""
    for requirement in (entry.dist.requires or []) if entry.dist else []:
        match = _REQUIREMENT.match(requirement)
        if match and _plain(match[1]) in (_plain(top), f"python{_plain(top)}"):
            package = f"'{entry.dist.name}[{match[2]}]'" if match[2] and entry.dist else match[1]
            return f"`pip install {package}` brings it"
    return f"`pip install {top}` may bring it (a package's name can differ from its module's)"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()
