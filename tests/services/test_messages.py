"""A thousand texts as few messages: grouped by template, with what differs, the first cause first, names recognised."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.model import ChainLink, LogExcerpt
from wwt_framework.services.messages import alike, messages
from wwt_framework.services.saylines import marked, pieces_of, places_of

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
TEMPLATES = {"open": "could not open <file> at <site>", "kill": "killed after <number> s"}


def opened(i: int, site: str = "T1_US_FNAL", hours: int = 0) -> LogExcerpt:
    file = f"/store/{i}.root"
    return LogExcerpt(
        "/w/t", 85, site, text=f"could not open {file} at {site}", count=2, at=NOON + timedelta(hours=hours),
        template="open", values=(file, site),
    )  # fmt: skip


def test_p12_thousand_texts_are_a_few_messages() -> None:
    logs = [opened(i) for i in range(990)]
    logs += [
        LogExcerpt("/w/t", 85, "S", text=f"killed after {i} s", template="kill", values=(str(i),)) for i in range(10)
    ]

    found = messages(alike(logs), TEMPLATES)

    assert [(one.template, one.count, one.texts) for one in found] == [("open", 1980, 990), ("kill", 10, 10)]


def test_p12_message_tells_what_stands_in_its_places_with_jobs() -> None:
    logs = [opened(1), opened(2), opened(2, "T2_CH_CERN")]

    (found,) = messages(alike(logs), TEMPLATES)

    assert [(place.kind, place.words, place.values) for place in found.places] == [
        ("file", "2 files", (("/store/2.root", 4), ("/store/1.root", 2))),
        ("site", "2 sites", (("T1_US_FNAL", 4), ("T2_CH_CERN", 2))),
    ]


def test_p12_value_that_never_differs_stands_in_its_place() -> None:
    (found,) = messages(alike([opened(1), opened(2)]), TEMPLATES)

    assert [place.words for place in found.places] == ["2 files", "T1_US_FNAL"]


def test_p12_values_of_an_older_form_of_the_template_are_not_mixed_up() -> None:
    old = LogExcerpt("/w/t", 85, "S", text="x", count=9, template="open", values=("only one",))

    (found,) = messages(alike([old]), TEMPLATES)

    assert [(place.words, place.different) for place in found.places] == [("file", 0), ("site", 0)]


def test_p12_message_was_seen_from_its_first_job_to_its_last() -> None:
    (found,) = messages(alike([opened(1, hours=3), opened(2, hours=1), opened(3, hours=2)]), TEMPLATES)

    assert (found.first, found.last) == (NOON + timedelta(hours=1), NOON + timedelta(hours=3))


def test_p12_text_of_no_template_is_a_message_of_its_own() -> None:
    logs = [LogExcerpt("/w/t", 85, "S", text=text) for text in ("a", "b")]

    assert [(one.template, one.parts, one.texts) for one in messages(alike(logs), TEMPLATES)] == [("", (), 1)] * 2


def test_p12_template_that_nobody_tells_is_as_good_as_none() -> None:
    assert [one.template for one in messages(alike([opened(1)]), {})] == [""]


def test_p12_nothing_said_is_no_message() -> None:
    assert messages(alike([]), TEMPLATES) == []


def test_p12_the_first_cause_is_told_from_what_followed() -> None:
    chain = (ChainLink("ReportManipulatingError", 99996), ChainLink("Fatal Exception", 8028), ChainLink("Step", 8028))

    (found,) = alike([LogExcerpt("/w/t", 8028, "S", text="x", chain=chain)])

    assert found.chain == (
        "Fatal Exception (Exit code: 8028)", "ReportManipulatingError (Exit code: 99996)", "Step (Exit code: 8028)",
    )  # fmt: skip


def test_p12_where_errors_of_a_chain_begin_is_marked() -> None:
    text = "Late (Exit code: 1)\n\nfailed to do\n\nFatal (Exit code: 8028)\n\nan exception of category X\n"

    found = [(line.text, line.heading) for line in marked(text, "Fatal (Exit code: 8028)") if line.heading]

    assert found == [("Late (Exit code: 1)", "follow"), ("Fatal (Exit code: 8028)", "cause")]


def test_p12_files_sites_and_hosts_are_recognised() -> None:
    line = "open root://cms.cern.ch//store/a/b.root at T2_US_MIT by vocms1.cern.ch, /store/c.root"

    assert [(piece.kind, piece.name) for piece in pieces_of(line) if piece.kind] == [
        ("file", "/store/a/b.root"), ("site", "T2_US_MIT"), ("host", "vocms1.cern.ch"), ("file", "/store/c.root"),
    ]  # fmt: skip


@given(st.text(st.sampled_from("/store.T2_USch:'<>*root \n\x00\u202eé"), max_size=200))
def test_d9_no_character_is_lost_between_names_and_places(text: str) -> None:
    assert "".join(piece.text for piece in pieces_of(text)) == text
    assert "".join(piece.text for piece in places_of(text)) == text
    assert "\n".join(line.text for line in marked(text)) == text


def test_d9_one_megabyte_in_one_line_is_marked_and_whole() -> None:
    text = "/store/" + "a." * 500_000

    assert "".join(piece.text for piece in marked(text)[0].pieces) == text
