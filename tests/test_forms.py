"""Posted strings become typed values, or a sentence that says what was expected."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework import forms
from wwt_framework.plugin import Field

MEMORY = Field("memory", "Memory", "integer", minimum=1000, maximum=20_000, unit="MB")
SPLIT = Field("splitting", "Splitting", "choice", ("2x", "3x", "max"))
SITES = Field("sites", "Sites", "sites")


def read_one(field: Field, posted: str | list[str]) -> object:
    values, problems = forms.read([field], {field.name: posted})
    assert problems == []
    return values[field.name]


def wrong(field: Field, posted: str | list[str]) -> str:
    values, problems = forms.read([field], {field.name: posted})
    assert values == {}
    return problems[0].message


@pytest.mark.parametrize(
    ("field", "posted", "value"),
    [
        (Field("t", "T"), "  two\r\nlines ", "two\nlines"),
        (MEMORY, "4000", 4000),
        (MEMORY, " 4000 MB", 4000),
        (MEMORY, "4000mb", 4000),
        (MEMORY, "12gb", 12_288),
        (MEMORY, "12 GB", 12_288),
        (Field("n", "N", "integer"), "-3", -3),
        (SPLIT, "max", "max"),
        (SPLIT, ["max", "max"], "max"),
        (Field("c", "C", "choices", ("a", "b", "c")), ["c", "a", "c"], ("a", "c")),
        (Field("f", "F", "flag"), ["0", "1"], True),
        (Field("f", "F", "flag"), ["0"], False),
        (Field("f", "F", "flag"), "on", True),
        (SITES, ["T2_US_MIT, T1_US_FNAL", "T2_US_MIT\nT2_CH_CERN"], ("T1_US_FNAL", "T2_CH_CERN", "T2_US_MIT")),
    ],
)
def test_each_type_of_field_reads_what_people_write(field, posted, value):
    assert read_one(field, posted) == value


@pytest.mark.parametrize(
    ("field", "posted", "sentence"),
    [
        (MEMORY, "200", "Memory must be between 1000 and 20000 MB, got '200'."),
        (MEMORY, "lots", "Memory must be between 1000 and 20000 MB, got 'lots'."),
        (MEMORY, "4000 kb", "Memory must be between 1000 and 20000 MB, got '4000 kb'."),
        (MEMORY, "٤٠٠٠", "Memory must be between 1000 and 20000 MB, got '٤٠٠٠'."),
        (Field("n", "N", "integer", minimum=1), "0", "N must be a whole number of at least 1, got '0'."),
        (SPLIT, "4x", "Splitting must be one of 2x, 3x, max, got '4x'."),
        (SPLIT, ["2x", "3x"], "Splitting must be one value, got 2: '2x', '3x'."),
        (Field("c", "C", "choices", ("a", "b")), ["a", "z"], "C must be among a, b, got 'z'."),
        (Field("f", "F", "flag"), "maybe", "F must be yes or no, got 'maybe'."),
        (SITES, "T2_US_MIT;<script>", "Sites must be names of sites like T2_CH_CERN, got '<script>'."),
        (Field("t", "T"), "a\0b", "T has characters that can not be kept; write it again without them."),
        (Field("t", "T"), "x" * 10_001, "T must not be longer than 10,000 characters, got 10,001."),
    ],
)
def test_what_does_not_fit_is_refused_in_words(field, posted, sentence):
    assert wrong(field, posted) == sentence


@pytest.mark.parametrize("blank", ["", "  ", [], ["", " "]])
def test_blank_is_no_value_whatever_the_default(blank):
    field = Field("group", "Group", default="production")

    assert forms.read([field], {"group": blank}) == ({}, [])


def test_required_field_that_is_blank_is_missing_unless_more_will_be_filled_in():
    field = Field("kind", "Kind", "choice", ("a", "b"), required=True)

    values, (problem,) = forms.read([field], {})

    assert (values, problem.message, problem.field, problem.fix) == (
        {}, "Kind is missing.", "kind", "Choose one of a, b.",
    )  # fmt: skip
    assert forms.read([field], {}, partial=True) == ({}, [])


def test_prefix_tells_fields_of_one_task_from_those_of_another():
    posted = {"task.A/B.memory": "2000", "task.A.memory": "3000", "memory": "4000"}

    assert forms.read([MEMORY], posted, "task.A/B.") == ({"memory": 2000}, [])


@given(
    st.sampled_from([MEMORY, SPLIT, SITES, Field("c", "C", "choices", ("a", "b")), Field("f", "F", "flag"), Field("t", "T")]),
    st.one_of(st.text(), st.lists(st.text(), max_size=4)),
)  # fmt: skip
def test_anything_that_is_posted_is_read_or_refused_and_what_is_read_can_be_kept_as_json(field, posted):
    values, problems = forms.read([field], {field.name: posted})

    assert len(values) + len(problems) <= 1
    json.dumps(values).encode()
    for problem in problems:
        assert problem.blocking
        assert problem.message.startswith(field.label)


@given(st.integers(1000, 20_000))
def test_a_number_in_range_is_read_as_it_is(number):
    assert read_one(MEMORY, str(number)) == number
