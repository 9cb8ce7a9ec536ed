"""Which sites are ready, from ProdStatus.txt and from the JSON before it."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wwt_framework.errors import SourceError
from wwt_framework.model import Readiness, SiteStatus
from wwt_framework.testing import ErrorSourceContract
from wwt_plugins.errors.prod_status import read_statuses

TEXT = """#txt
#
# Site Support Team, Prod Status
2021-03-01 00:15:00\tT1_US_FNAL\tenabled\tgreen\thttps://example.org/T1_US_FNAL
2021-03-01 00:15:00\tT2_CH_CERN\tdrain\tyellow\thttps://example.org/T2_CH_CERN

2021-02-01 10:00:01 T2_US_Purdue disabled red https://example.org/x
2021-03-01 00:15:00 T3_US_Test test yellow https://example.org/y
"""
AT = datetime(2021, 3, 1, 0, 15, tzinfo=timezone.utc)


class TestContract(ErrorSourceContract):
    plugin = "errors.prod_status"

    def make_options(self, folder):
        self.file = folder / "ProdStatus.txt"
        self.file.write_text(TEXT)
        return {"path": str(self.file)}

    def break_source(self, it):
        self.file.write_text("# nothing\n")


def read(text):
    return read_statuses(text.encode(), "ProdStatus.txt")


def faults(statuses):
    return {r.path: r.why for r in statuses.rejected}


def test_d_e_every_line_is_one_site():
    assert list(read(TEXT)) == [
        SiteStatus("T1_US_FNAL", Readiness.GREEN, "enabled", AT, "https://example.org/T1_US_FNAL"),
        SiteStatus("T2_CH_CERN", Readiness.YELLOW, "drain", AT, "https://example.org/T2_CH_CERN"),
        SiteStatus(
            "T2_US_Purdue",
            Readiness.RED,
            "disabled",
            datetime(2021, 2, 1, 10, 0, 1, tzinfo=timezone.utc),
            "https://example.org/x",
        ),
        SiteStatus("T3_US_Test", Readiness.YELLOW, "test", AT, "https://example.org/y"),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("just words", "expected date, time, site, status, colour and address, got 2 words: 'just words'"),
        (
            "2021-03-01 00:15:00 T2_A enabled green u extra",
            "expected date, time, site, status, colour and address, got 7",
        ),
        ("2021-13-01 00:15:00 T2_A enabled green u", "T2_A: expected a time like 2021-03-01 00:15:00, got '2021-13-01"),
        (
            "2021-03-01 00:15:00 T2_A waiting green u",
            "T2_A: expected enabled, drain, disabled, test, unknown, got 'waiting'",
        ),
        ("2021-03-01 00:15:00 T2_A enabled pink u", "T2_A: expected green, yellow, red or none, got 'pink'"),
        ("2021-03-01 00:15:00 T2_\x07 enabled green u", "expected the name of a site, got"),
    ],
)
def test_line_that_can_not_be_read_is_named_and_the_others_are_kept(line, why):
    statuses = read(TEXT + line)

    assert list(faults(statuses)) == ["line 9"]
    assert faults(statuses)["line 9"].startswith(why)
    assert len(statuses) == 4


def test_latest_line_about_a_site_counts():
    statuses = read(
        TEXT + "2021-03-02 00:00:00 T1_US_FNAL drain yellow u\n2020-03-02 00:00:00 T2_CH_CERN enabled green u"
    )

    assert {s.site: s.production for s in statuses}["T1_US_FNAL"] == "drain"
    assert {s.site: s.production for s in statuses}["T2_CH_CERN"] == "drain"


def test_two_statements_about_the_same_time_are_named():
    statuses = read(TEXT + "2021-03-01 00:15:00 T1_US_FNAL drain yellow u")

    assert faults(statuses) == {"line 9": "T1_US_FNAL: was enabled in an earlier row of the same time, which counts"}


def test_line_that_comes_twice_is_no_fault():
    assert read(TEXT + TEXT).rejected == ()


@pytest.mark.parametrize("address", ["javascript:alert(1)", "-", "ftp://x", "data:text/html,x"])
def test_address_that_is_not_of_the_web_is_left_out(address):
    (status,) = read(f"2021-03-01 00:15:00 T2_A enabled green {address}")

    assert status.url == ""


@pytest.mark.parametrize(("colour", "readiness"), [("none", Readiness.NONE), ("GREEN", Readiness.GREEN)])
def test_colour_is_a_readiness(colour, readiness):
    (status,) = read(f"2021-03-01 00:15:00 T2_A enabled {colour} u")

    assert status.readiness is readiness


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "ProdStatus.txt is empty; expected lines of text"),
        ("# only\n# comments\n", "ProdStatus.txt tells of no site"),
        ("bad\nworse\n", "ProdStatus.txt tells of no site; the first fault, in line 1: expected date"),
        ("<html>", "ProdStatus.txt holds a page of HTML or XML, perhaps of a sign-in; expected lines of text"),
        ("{}", 'ProdStatus.txt: expected {"csvdata": [...]} or the lines of ProdStatus.txt, got an object of 0'),
        ("[]", 'ProdStatus.txt: expected {"csvdata": [...]} or the lines of ProdStatus.txt, got a list of 0'),
        ('{"csvdata": []}', "ProdStatus.txt tells of no site"),
        (
            '{"csvdata": [3]}',
            "ProdStatus.txt tells of no site; the first fault, in csvdata > 0: expected an object with",
        ),
        ('{"csvdata": [', "ProdStatus.txt ends too early"),
    ],
)
def test_source_without_one_readable_site_is_refused(text, sentence):
    with pytest.raises(SourceError) as refused:
        read(text)

    assert str(refused.value).startswith(sentence)


def test_many_faults_are_counted():
    statuses = read(TEXT + "bad\n" * 1000)

    assert len(statuses.rejected) == 201
    assert statuses.rejected[-1].why == "and 800 more like these"


def test_d_e_older_json_is_read():
    rows = [
        {"VOName": "T2_A", "COLORNAME": "green", "Status": "enabled", "Time": "2019-03-01T00:15:00", "Tier": 2},
        {"VOName": "T2_B", "COLORNAME": "red", "Status": "disabled"},
        {"VOName": "T2_C", "COLORNAME": "red"},
    ]

    statuses = read(json.dumps({"csvdata": rows}))

    assert list(statuses) == [
        SiteStatus("T2_A", Readiness.GREEN, "enabled", datetime(2019, 3, 1, 0, 15, tzinfo=timezone.utc)),
        SiteStatus("T2_B", Readiness.RED, "disabled"),
    ]
    assert faults(statuses) == {"csvdata > 2": "T2_C: expected enabled, drain, disabled, test, unknown, got null"}


def test_statuses_are_a_sequence():
    statuses = read(TEXT)

    assert (statuses[0].site, statuses[1:3][-1].site, len(statuses)) == ("T1_US_FNAL", "T2_US_Purdue", 4)


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=120)
    | st.text(alphabet=st.sampled_from('0123456789-: T2_Agren\t\n#{}[]"'), max_size=120).map(str.encode)
)
def test_any_bytes_give_statuses_or_a_sentence(data):
    try:
        statuses = read_statuses(data, "x")
    except SourceError:
        return
    assert len(statuses) > 0
