"""Message templates of logs: a thousand texts as the few messages that they are."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Mined, Template
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Health, PluginContext

from .keeping import keep, read
from .masking import Mask, message_of, values_of
from .tree import Tree

_FILE = "templates.json"


class LogTemplates:
    """Group what failed jobs said by message, whatever files, sites and numbers are in it.

    Words that change by their nature are taken out, then messages that are alike share a template (Drain).
    """

    class Options(PluginOptions):
        templates: int = Field(
            default=10_000, ge=10, le=1_000_000,
            description="templates that are remembered; beyond that those are forgotten that were not seen for longest",
        )  # fmt: skip

    def __init__(self, context: PluginContext[Options]) -> None:
        self._path = context.data_dir / _FILE
        self._limit = context.options.templates
        self._log = context.log
        self._mask = Mask()
        self._lock = threading.Lock()

    @hookimpl
    def mine_templates(self, texts: Sequence[str]) -> Mined | None:
        """The template of every text; texts without a word are of none."""
        with self._lock:
            tree = self._tree()
            tree.round += 1
            messages = {text: message_of(text) for text in texts}
            words = {message: self._mask.words(message) for message in sorted(set(messages.values()))}
            ids = {
                message: tree.add(tuple(word for word, _ in masked)) for message, masked in words.items() if masked
            }  # sorted: what comes in another order grows the same tree
            of = tuple(ids.get(messages[text], "") for text in texts)
            templates = tuple(Template(id_, " ".join(tree.grown[id_].words)) for id_ in sorted(set(ids.values())))
            values = {
                message: values_of(tree.grown[ids[message]].words, masked, message.split())
                for message, masked in words.items()
                if masked
            }
            keep(self._path, tree.shrunk())
        return Mined(of, templates, tuple(values.get(messages[text], ()) for text in texts))

    @hookimpl
    def report_health(self) -> Health:
        try:
            tree = read(self._path, self._limit)
        except (OSError, ValueError, KeyError, TypeError) as err:
            return Health(False, f"{self._path}: can not be read ({err}); templates begin anew with the next refresh")
        return Health(True, f"{len(tree.grown):,} templates, the last new texts in round {tree.round:,}")

    def _tree(self) -> Tree:
        """As it was left by whoever mined last: another process may have."""
        try:
            return read(self._path, self._limit)
        except (ValueError, KeyError, TypeError) as err:
            # Ids are made of the messages: most come back as they were.
            self._log.warning(
                "templates can not be read and begin anew", extra={"path": str(self._path), "error": str(err)}
            )
            return Tree(self._limit)
