"""Message templates as a tree of fixed depth that grows line by line: P. He et al., "Drain", ICWS 2017.

Messages of one length that begin alike and name the same error are compared with each other; one that is like a template in enough of its
words is of that template, and words in which they differ become places. Nothing is drawn: the same messages in the
same order give the same templates.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .masking import ANYTHING

#: Share of words in which a message and its template are the same.
SIMILAR = 0.4
#: Words at the beginning by which messages are told apart before they are compared.
DEPTH = 2
#: Different words at one fork; others go one way together.
_FORKS = 100

#: The name of an error is never a place: 'FileReadError', std::bad_alloc, CmsRunFailure.
_NAMED = re.compile(
    r"[a-z][A-Z]\w*(?:Error|Exception|Failure|Fault)\b|\b[A-Z][a-z]+(?:Error|Exception|Failure)\b|\bstd::\w"
)

Words = tuple[str, ...]


@dataclass
class Grown:
    """One template as it is by now."""

    id: str
    words: list[str]
    seen: int  # the round in which a message was last of it


@dataclass
class Tree:
    """All templates, and the messages that were seen last. *limit*: templates that are kept."""

    limit: int
    round: int = 0
    grown: dict[str, Grown] = field(default_factory=dict)  # by id, in the order in which they came
    known: dict[str, str] = field(default_factory=dict)  # digest of a message -> id: what was put somewhere stays there
    _root: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, limit: int, round_: int, grown: Iterable[Grown], known: Iterable[tuple[str, str]]) -> Tree:
        """The tree of what was kept."""
        tree = cls(limit, round_)
        for one in grown:
            tree.grown[one.id] = one
            tree._leaf(one.words).append(one)
        tree.known = {digest: id_ for digest, id_ in known if id_ in tree.grown}
        return tree

    def add(self, words: Words) -> str:
        """The id of the template that the masked *words* are of; a new one when they are like none."""
        digest = _digest(words)
        id_ = self.known.get(digest)
        if id_ is not None:
            self.grown[id_].seen = self.round
            return id_
        leaf = self._leaf(words)
        best = _nearest(leaf, words)
        if best is None:
            best = self._new(digest, words, leaf)
        else:
            best.words[:] = [a if a == b else ANYTHING for a, b in zip(best.words, words, strict=True)]
        best.seen = self.round
        self.known[digest] = best.id
        return best.id

    def _new(self, id_: str, words: Words, leaf: list[Grown]) -> Grown:
        if id_ in self.grown:  # its message was seen too long ago to be known, and its words have changed since
            return self.grown[id_]
        one = self.grown[id_] = Grown(id_, list(words), self.round)
        leaf.append(one)
        return one

    def _leaf(self, words: Sequence[str]) -> list[Grown]:
        named = next(filter(_NAMED.search, words), "")
        node = self._root.setdefault((len(words), named), {})
        for word in words[:DEPTH]:
            way = word
            if word not in node and (len(node) >= _FORKS or any(c.isdigit() for c in word)):
                way = ANYTHING
            node = node.setdefault(way, {})
        leaf: list[Grown] = node.setdefault(None, [])
        return leaf

    def shrunk(self) -> Tree:
        """This tree, or one within its limits: templates of which no message was seen for longest are gone."""
        if len(self.grown) <= self.limit and len(self.known) <= 4 * self.limit:
            return self
        order = sorted(enumerate(self.grown.values()), key=lambda at: (-at[1].seen, at[0]))[: self.limit]
        stay = [one for _, one in sorted(order, key=lambda at: at[0])]
        last = list(self.known.items())[-2 * self.limit :]
        return Tree.of(self.limit, self.round, stay, last)


def _digest(words: Words) -> str:
    """What a message is known by, and the template that it begins: 12 hexadecimal digits."""
    return hashlib.blake2b("\0".join(words).encode("utf-8", "replace"), digest_size=6).hexdigest()


def _nearest(leaf: Iterable[Grown], words: Words) -> Grown | None:
    """The template of most same words, among such the one with most places; None when none is near enough."""
    best, best_rank = None, (max(1, SIMILAR * len(words)), -1)
    for one in leaf:
        same = sum(map(str.__eq__, one.words, words))
        if same >= best_rank[0]:
            rank = (same, one.words.count(ANYTHING))
            if rank > best_rank or best is None:
                best, best_rank = one, rank
    return best
