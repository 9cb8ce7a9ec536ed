"""The address holds the whole state."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.services.overview_query import OverviewQuery


def parse(**params: object) -> OverviewQuery:
    return OverviewQuery.parse(params)[0]  # type: ignore[arg-type]


def problems(**params: object) -> tuple[str, ...]:
    return OverviewQuery.parse(params)[1]  # type: ignore[arg-type]


@pytest.mark.parametrize("given_", ["errorcode", "", "nonsense", "ERRORCODE", "stepnames"])
def test_p2_any_other_pievar_is_errorcode(given_: str) -> None:
    assert parse(pievar=given_).pievar == "errorcode"


def test_nothing_asked_is_the_shortest_address() -> None:
    assert parse().address() == "/globalerror"


texts = st.lists(st.text(min_size=1, max_size=20), max_size=3, unique=True).map(tuple)
queries = st.builds(
    OverviewQuery,
    pievar=st.sampled_from(["errorcode", "sitename", "stepname"]),
    view=st.sampled_from(["matrix", "list"]),
    rows=st.sampled_from(["prepid", "workflow"]),
    open=texts,
    search=st.text("abcXYZ-_ &=?#%+", max_size=20).map(str.strip),
    campaign=texts,
    site=texts,
    code=st.lists(st.integers(-1, 10**6), max_size=3, unique=True).map(tuple),
    tier=st.lists(st.sampled_from(["T0", "T1", "other"]), max_size=2, unique=True).map(tuple),
    status=texts,
    minimum=st.integers(0, 10**6),
    zero=st.booleans(),
    sort=st.sampled_from(["errors", "name", "date"]),
    direction=st.sampled_from(["", "asc", "desc"]),
    draw=st.sampled_from(["pies", "heat", "numbers"]),
    columns=st.sampled_from(["", "all"]),
    offset=st.integers(0, 10**6),
    limit=st.integers(0, 5000),
)


@given(queries)
def test_an_address_brings_back_its_query(query: OverviewQuery) -> None:
    params = parse_qs(urlsplit(query.address()).query, keep_blank_values=True)

    assert OverviewQuery.parse(params) == (query, ())


@given(st.dictionaries(st.sampled_from(list(OverviewQuery.__dataclass_fields__)), st.lists(st.text(), min_size=1)))
def test_anything_at_all_is_a_query(params: dict[str, list[str]]) -> None:
    query, said = OverviewQuery.parse(params)

    assert 0 <= query.size <= 5000
    assert all(isinstance(sentence, str) for sentence in said)


def test_other_rows_begin_at_the_first() -> None:
    query = OverviewQuery(offset=100)

    assert query.with_(search="x").offset == 0
    assert query.with_(open=("a",)).offset == 100


def test_toggling_twice_is_where_one_was() -> None:
    query = OverviewQuery(open=("a", "b"))

    assert "open=a&open=b&open=c" in query.toggled("c")
    assert query.toggled("a") == "/globalerror?open=b"


@pytest.mark.parametrize("search", ["/(/", "/(?=a)/", "/((a{1000}){1000}){1000}/", "/a)(b/", r"/(a)\1/"])
def test_a_pattern_that_re2_refuses_is_told_in_words_and_not_applied(search: str) -> None:
    query, said = OverviewQuery.parse({"search": search})

    assert query.search == ""
    assert len(said) == 1
    assert search in said[0]
    assert "RE2" in said[0]


def test_a_slash_alone_is_plain_text() -> None:
    assert OverviewQuery.parse({"search": "//"}) == (OverviewQuery(search="//"), ())


@pytest.mark.parametrize(
    ("params", "word"),
    [({"code": "85x"}, "85x"), ({"minimum": "-3"}, "-3"), ({"tier": "T9"}, "T9"), ({"search": "x" * 300}, "200")],
)
def test_what_can_not_be_meant_is_told(params: dict[str, str], word: str) -> None:
    (sentence,) = problems(**params)

    assert word in sentence


def test_not_reported_may_be_written_out() -> None:
    assert parse(code=["NotReported", "85", "-1"]).code == (-1, 85, -1)


def test_all_rows_are_not_endless() -> None:
    assert parse(limit="all").size == parse(limit="99999").size == 5000
