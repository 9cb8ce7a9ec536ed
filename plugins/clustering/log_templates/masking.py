"""What changes from job to job in a message, word by word: files, hosts, sites, times, numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from wwt_framework.keylines import key_lines

#: Words of a message that are looked at; what comes later is more of the same.
WORDS = 80
#: Characters of a word that are looked at; a longer one stands for itself as a whole.
_LONGEST = 400
#: Characters of a message that are cut into words.
_CHARACTERS = 3_000
#: Words whose mask is remembered.
_REMEMBERED = 50_000

#: A part of a template that differs from text to text without being of one kind.
ANYTHING = "<*>"

_HOSTS = "ch|gov|edu|org|net|com|de|fr|it|uk|es|pt|be|jp|ru|cn|tw|br|in|kr|fi|ee|pl|hu|at|gr|tr|us|local|localdomain"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"

#: Kind -> what it looks like; where several fit, the first one is meant. None of them can go back over itself for long.
_KINDS = {
    "address": r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s'\"<>,;()\[\]]+",
    "mail": r"\b[\w.+-]+@[\w-]+\.[\w.-]+",
    "file": r"(?<![\w.)])~?(?:/[\w.+=@%:#~*-]+)+/?",
    "id": r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b|\b0[xX][0-9a-fA-F]+\b|\bblk_-?\d+\b",
    "time": rf"\b\d{{4}}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b"
    rf"|\b\d{{1,2}}-(?:{_MONTHS})-\d{{2,4}}\b|\b\d{{1,2}}:\d\d:\d\d(?:[.,]\d+)?\b",
    "site": r"\bT[0-3]_[A-Z]{2}_[A-Za-z0-9_]+",
    "host": rf"\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?::\d+)?\b|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:{_HOSTS})(?::\d+)?(?![\w.-])",
    "number": r"(?<![A-Za-z])[-+]?\d[\d.,:_-]*",
}
_ALL = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()))

#: A word with its changing parts taken out, and these parts in their order.
Masked = tuple[str, tuple[str, ...]]


def message_of(text: str) -> str:
    """What is said in *text*: its key lines in their order; all of it when it is short or no line tells most.

    A line that only announces the next ("Exception Message:") says nothing itself.
    """
    lines = text.splitlines()
    if len(lines) > 1 and (keys := [i for i in key_lines(lines) if not lines[i].rstrip().endswith(":")]):
        text = " ".join(lines[i][:_CHARACTERS] for i in sorted(keys)[:3])
    return text[:_CHARACTERS].encode("utf-8", "replace").decode("utf-8")  # no half characters


class Mask:
    """Takes out of words what changes; remembers the last ones."""

    def __init__(self) -> None:
        self._known: dict[str, Masked] = {}

    def words(self, message: str) -> list[Masked]:
        """The words of *message*, masked."""
        found: list[Masked] = []
        known = self._known
        for word in message.split(None, WORDS)[:WORDS]:
            masked = known.get(word)
            if masked is None:
                masked = (word, ()) if word.isalpha() and len(word) <= _LONGEST else mask(word)
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[word] = masked
            found.append(masked)
        return found


def mask(word: str) -> Masked:
    """One word without what changes in it, and what that was.

    >>> mask("file=/store/a.root,")
    ('file=<file>,', ('/store/a.root',))
    """
    if len(word) > _LONGEST:
        return ANYTHING, (word,)
    values: list[str] = []
    parts: list[str] = []
    end = 0
    for found in _ALL.finditer(word):
        parts += (word[end : found.start()], f"<{found.lastgroup}>")
        values.append(found[0])
        end = found.end()
    return ("".join((*parts, word[end:])), tuple(values)) if values else (word, ())


def values_of(template: Iterable[str], words: Iterable[Masked], raw: Iterable[str]) -> tuple[str, ...]:
    """What stands in *words* where *template* has a place, in the order of the places. *raw*: the words unmasked."""
    values: list[str] = []
    for wanted, (masked, taken), word in zip(template, words, raw, strict=False):
        if wanted == masked:
            values += taken
        else:
            values.append(word)
    return tuple(values)
