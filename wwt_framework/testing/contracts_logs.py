"""What the house relies on of a plugin that mines message templates out of logs."""

from __future__ import annotations

import re
from typing import ClassVar

from wwt_framework.model import Mined
from wwt_framework.testing.contracts import PluginContract
from wwt_framework.testing.running import Running

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class TemplateContract(PluginContract):
    """What the refresh relies on, of every plugin that implements ``mine_templates``."""

    #: Texts that are of one template, and a text that is not.
    alike: ClassVar[tuple[str, ...]] = (
        "Failed to open the file /store/data/a.root at T1_US_FNAL",
        "Failed to open the file /store/data/b.root at T2_CH_CERN",
        "Failed to open the file /store/mc/c.root at T2_US_MIT",
    )
    other: ClassVar[str] = "Job has exceeded maxPSS: 2000 MB"
    #: What jobs also say.
    hostile: ClassVar[tuple[str, ...]] = (
        "", " \n\t ", "\0\x1b[31m\u202e<script>alert(1)</script>", "x" * 8_192, "a " * 4_096, "\n" * 8_192,
        "/" * 8_192, "<*> <file> <*>", "1." * 4_000, "\ud800", "é" * 4_000,
    )  # fmt: skip

    def test_every_text_is_answered_and_every_template_told(self, running: Running) -> None:
        texts = [*self.alike, self.other, *self.hostile]
        _check(_ask(running, texts), texts)

    def test_texts_that_differ_in_their_variables_are_of_one_template(self, running: Running) -> None:
        *alike, other = _ask(running, [*self.alike, self.other]).of
        assert len(set(alike)) == 1
        assert alike[0]
        assert other not in alike

    def test_order_does_not_matter(self, running: Running, wwt_plugin: object) -> None:
        texts = [*self.alike, self.other]
        again = wwt_plugin(self.plugin, **self.options)  # type: ignore[operator]  # the fixture of the kit
        there, back = _ask(running, texts), _ask(again, texts[::-1])
        assert there.of == back.of[::-1]

    def test_text_that_comes_again_is_of_the_same_template(self, running: Running) -> None:
        before = _ask(running, [self.alike[0], self.other]).of
        assert _ask(running, [self.other, *self.alike]).of[:2] == before[::-1]

    def test_no_text_and_one_text_are_answered(self, running: Running) -> None:
        assert _ask(running, []).of == ()
        assert len(_ask(running, [self.other]).of) == 1


def _ask(it: Running, texts: list[str]) -> Mined:
    told = it.ask("mine_templates", texts=texts)
    assert isinstance(told, Mined)
    return told


def _check(told: Mined, texts: list[str]) -> None:
    ids = [one.id for one in told.templates]
    assert len(told.of) == len(texts)
    assert len(told.values) in (0, len(texts))
    assert len(set(ids)) == len(ids), "each template once"
    assert {id_ for id_ in told.of if id_} == set(ids)
    assert [id_ for id_ in ids if not _ID.fullmatch(id_)] == []
    assert [one.text for one in told.templates if not one.text or "\n" in one.text] == []
