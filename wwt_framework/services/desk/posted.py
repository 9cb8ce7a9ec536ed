"""The parts of what was posted, still as strings: our own names of fields, and those of the original's form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wwt_framework.forms import TEXT_LIMIT
from wwt_framework.model import Problem, Reason, User
from wwt_framework.services.desk.intent import METHODS, Method, new_id
from wwt_framework.store import Store, ledger

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,500}", re.ASCII)
_PARAM = re.compile(r"param_([0-9]+)_(.+)", re.DOTALL)

Form = Mapping[str, str | list[str]]


@dataclass
class Raw:
    """What was posted, sorted by what it is about; still strings."""

    everywhere: dict[str, str | list[str]] = field(default_factory=dict)  # fields of the form, and of all tasks
    by_task: dict[str, dict[str, str | list[str]]] = field(default_factory=dict)
    sites: dict[str, str | list[str]] = field(default_factory=dict)  # task, or "" for all

    def of_task(self, task: str) -> dict[str, str | list[str]]:
        return self.by_task.setdefault(task, {})


def sorted_raw(form: Form) -> Raw:
    raw = Raw()
    tasks = {key[5:]: str(first_of(form, key)) for key in form if key.startswith("task_")}
    for key, posted in form.items():
        if match := _PARAM.fullmatch(key):
            _sort(raw, tasks.get(match[1], ""), match[2], posted)
        elif key.startswith("value."):
            _sort(raw, "", key.removeprefix("value."), posted)
        elif key.startswith("task."):
            task, _, name = key.removeprefix("task.").rpartition(".")
            _sort(raw, task, name, posted)
        elif key == "sites" or key.startswith("sites."):
            _sort(raw, key.removeprefix("sites").removeprefix("."), "sites", posted)
    return raw


def _sort(raw: Raw, task: str, name: str, posted: str | list[str]) -> None:
    if name == "sites":
        raw.sites[task] = posted
    elif task:
        raw.of_task(task)[name] = posted
    else:
        raw.everywhere[name] = posted


def workflows_of(form: Form) -> tuple[str, ...]:
    """Names from ``workflow`` and ``workflows``, each once; several may stand in one field, apart by blanks or commas."""
    texts = [*all_of(form, "workflow"), *all_of(form, "workflows")]
    return unique(name for text in texts for name in re.split(r"[\s,]+", text))


def known_names(workflows: Iterable[str], problems: list[Problem]) -> tuple[str, ...]:
    """Those of *workflows* that can be names; what no workflow can be called is told."""
    names = unique(workflows)
    strange = [name for name in names if not _NAME.fullmatch(name)]
    if strange:
        told = f"{clean(strange[0])[:60]!r} is no name of a workflow; expected letters, digits and _ . : -"
        problems.append(Problem(told, "workflows", fix="Take it out of the list."))
    return tuple(name for name in names if name not in strange)


def method_of(form: Form, raw: Raw, problems: list[Problem]) -> Method:
    """How sites are chosen. Sites without a word on how they are meant are where it shall run, as in the original."""
    asked = first_of(form, "method").lower()
    if asked in METHODS:
        return METHODS[METHODS.index(asked)]
    if asked:
        told = f"The method must be one of {', '.join(METHODS)}, got {asked[:60]!r}."
        problems.append(Problem(told, "method"))
    return "manual" if any(not_blank(posted) for posted in raw.sites.values()) else "auto"


def reasons_of(form: Form) -> tuple[Reason, ...]:
    """New reasons, in the order of their numbers."""
    numbers = {
        match[1]: None for key in form if (match := re.fullmatch(r"(?:short|long)reason([0-9]*)", key, re.ASCII))
    }
    found = [
        Reason(first_of(form, f"shortreason{number}"), lines_of(first_of(form, f"longreason{number}")))
        for number in sorted(numbers, key=lambda text: (len(text), text))
    ]
    return tuple(reason for reason in found if reason.short or reason.long)


def lines_of(text: str) -> str:
    """*text* with one kind of line break; documents that come back to us say <br>."""
    return re.sub(r"<br\s*/?>", "\n", clean(text).replace("\r\n", "\n").replace("\r", "\n")).strip()[:TEXT_LIMIT]


def clean(text: str) -> str:
    """*text* without what no database can hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def seen_of(form: Form, store: Store, workflows: tuple[str, ...], problems: list[Problem]) -> dict[str, int]:
    """Workflow -> the last event that the page showed; where the page did not say, the last one there is.

    No page has shown what is still to come: a larger number would let everything pass that colleagues do from now on.
    """
    last = ledger.last_events(store, workflows) if workflows else {}
    seen: dict[str, int] = {}
    for name, text in dotted(form, "seen.").items():
        if name not in workflows:
            continue
        if text.isascii() and text.isdigit() and len(text) < 16:
            seen[name] = min(int(text), last[name])
        else:
            problems.append(Problem(f"seen.{name} must be the number of an event, got {text[:60]!r}.", "seen"))
    return {**last, **seen}


def draft_id(form: Form, store: Store, user: User) -> str:
    """The id that the page was drawn with; a new one where it has none, or somebody else's."""
    posted = first_of(form, "draft")
    if not _ID.fullmatch(posted):
        return new_id()
    kept = ledger.find_draft(store, posted)
    return posted if kept is None or kept.user == user.name else new_id()


def dotted(form: Form, prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): first_of(form, key) for key in form if key.startswith(prefix)}


def not_blank(posted: str | list[str]) -> list[str]:
    return [text for text in ([posted] if isinstance(posted, str) else posted) if text.strip()]


def all_of(form: Form, key: str) -> list[str]:
    return [clean(text).strip() for text in not_blank(form.get(key, ""))]


def first_of(form: Form, key: str) -> str:
    return next(iter(all_of(form, key)), "")


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def strings(value: Any) -> str | list[str]:
    """A JSON value as a form would post it."""
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return "" if value is None else str(value)
