"""Messages without what has a digit or a slash in it; ids are the messages themselves, so nothing is remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from wwt_framework import hookimpl
from wwt_framework.model import Mined, Template
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext


class Miner:
    """Take out of messages every word with a digit or a slash."""

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        pass

    @hookimpl
    def mine_templates(self, texts: Sequence[str]) -> Mined:
        told = {text: _template(text) for text in texts}
        return Mined(tuple(told[text].id for text in texts), tuple({one.id: one for one in told.values()}.values()))


def _template(text: str) -> Template:
    words = ["<*>" if any(c.isdigit() or c == "/" for c in word) else word for word in text.split()[:50]]
    said = " ".join(words) or "<*>"
    return Template(hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12], said)
