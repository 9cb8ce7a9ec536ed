"""Which kinds of error logs name: by their source, by themselves, by their message."""

from __future__ import annotations

import pytest

from wwt_framework.model import ChainLink, LogExcerpt
from wwt_framework.services.errortypes import error_types, message_words, named

TEMPLATES = {"t": "An exception of category 'FileReadError' occurred while reading <file>"}


def test_what_the_source_tells_goes_before_what_the_text_says() -> None:
    text = "Other (Exit code: 9)"
    chained = LogExcerpt("/w/t", 85, "S", "Type", text, chain=(ChainLink("Chain", 85),), template="t")
    typed = LogExcerpt("/w/t", 85, "S", "Type", text, template="t")
    silent = LogExcerpt("/w/t", 85, "S", "", text, template="t")
    quoting = LogExcerpt("/w/t", 85, "S", "", "x", template="t")

    told = [named(log, TEMPLATES) for log in (chained, typed, silent, quoting)]
    assert told == [[("Chain", 85)], [("Type", 85)], [("Other", 9)], [("FileReadError", 85)]]


def test_text_of_a_template_that_is_not_known_names_nothing() -> None:
    assert named(LogExcerpt("/w/t", 85, "S", text="x", template="t"), {}) == []


def test_first_cause_is_the_heading_of_the_jobs_own_exit_code() -> None:
    log = LogExcerpt("/w/t", 85, "S", text="After (Exit code: 99109)\nwhy\nFirst (Exit code: 85)")

    assert named(log, {}) == [("First", 85), ("After", 99109)]
    types = error_types([log], {})
    assert [one.words for one in (*types.causes, *types.follows)] == [
        "First (Exit code: 85)",
        "After (Exit code: 99109)",
    ]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("An exception of category 'A' occurred while", "A"),
        ("An exception of category 'A' occurred while B <*> C", "A: B <*> C"),
        ("An exception of category 'A' occurred while An exception of category 'A' occurred while B", "A: A: B"),
        ("it <*> <*> <*> at <*>", "it <*> at <*>"),
        ("", ""),
    ],
)  # fmt: skip
def test_message_in_short_begins_with_its_kind(template: str, words: str) -> None:
    assert message_words(template) == words
