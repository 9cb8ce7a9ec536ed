"""Searching names: whatever the pattern, somebody else's page does not wait for it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.cube import Names
from wwt_framework.errors import WwtError
from wwt_framework.services.overview_query import compile_search
from wwt_framework.services.selection import Lines

NAMES = tuple(sorted(f"pdmvserv_task_HIG-RunIIFall18wmLHEGS-{i:05}__v1_T_181126_083424_8286" for i in range(10_000)))


def test_p7_a_pattern_that_takes_too_long_is_ended_and_told():
    began = time.thread_time()

    with pytest.raises(WwtError, match="fewer repetitions"):
        Lines(Names.of(NAMES)).having("/(.?){999}Q/")
    assert time.thread_time() - began < 5


def test_p7_a_pattern_that_unfolds_to_millions_is_refused():
    with pytest.raises(ValueError, match="too large"):
        compile_search("/" + "(x?){999}" * 20 + "/")


@given(
    st.lists(st.text("ab-", min_size=1, max_size=900), max_size=60, unique=True),
    st.sampled_from(["a+b", "^b", "b$", "(x?)", "-a|b-"]),
)
def test_p7_every_name_is_searched_once_wherever_the_pieces_end(names: list[str], pattern: str):
    names.sort()

    assert Lines(Names.of(names)).having(f"/{pattern}/").tolist() == [bool(re.search(pattern, name)) for name in names]
