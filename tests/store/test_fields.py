from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.store import Store, ledger
from wwt_framework.store.fields import Json, Moment, storable


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_what_can_be_stored_stays_as_it_is(text: str) -> None:
    assert storable(text) == text


def test_nul_and_half_surrogates_become_replacement_characters() -> None:
    assert storable("a\0b\ud800c\U0001f600") == "a\ufffdb\ufffdc\U0001f600"


@given(st.datetimes(timezones=st.just(timezone.utc)))
def test_a_moment_comes_back_to_the_microsecond(at: datetime) -> None:
    field = Moment()

    assert field.python_value(field.db_value(at)) == at


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    at = datetime(2026, 11, 23, 14, 0, tzinfo=timezone(timedelta(hours=2)))

    assert Moment().python_value(Moment().db_value(at)) == datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_plain_data_comes_back_with_every_character(data: object) -> None:
    field = Json()

    assert field.python_value(field.db_value(data)) == data


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Json().db_value(float("nan"))


def test_both_databases_keep_text_that_neither_likes(store: Store) -> None:
    ledger.mark_prep(store, "HIG-\0-\ud83d-é-\U0001f600", "o'Brien \"; drop table account; --%s?")

    mark = ledger.marked_preps(store)["HIG-\ufffd-\ufffd-é-\U0001f600"]
    assert mark.user == "o'Brien \"; drop table account; --%s?"
