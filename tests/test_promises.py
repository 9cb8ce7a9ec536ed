"""docs/promises.md tells the truth about which promise has a test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"wwt_docs_{name}", ROOT / "docs" / "tools" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


promises = tool("promises")


def test_the_page_of_promises_is_up_to_date():
    again = "run `python docs/tools/promises.py` and keep what it writes"

    assert promises.PAGE.read_text(encoding="utf-8") == promises.text(), again


def test_every_id_in_the_name_of_a_test_is_a_promise():
    known = {promise for section in promises.sections() for promise in section.promises}

    assert [claim for claim in promises.claims() if claim[0] not in known] == []


def test_all_promises_are_listed_once():
    listed = [promise for section in promises.sections() for promise in section.promises]
    expected = [f"{letter}{n}" for letter, last in dict(P=20, J=20, O=7, F=8, C=9, E=5, D=12).items()
                for n in range(1, last + 1)] + [f"D-{letter}" for letter in "abcdefghi"]  # fmt: skip

    assert sorted(listed) == sorted(expected)


def test_every_promise_is_one_sentence():
    for section in promises.sections():
        for sentence in section.promises.values():
            assert sentence.endswith("."), sentence


def test_only_promises_with_tests_are_kept_in_part():
    claimed = {promise for promise, _, _ in promises.claims()}

    assert promises.lacking().keys() - claimed == set()


@pytest.mark.parametrize(
    ("name", "ids", "claim"),
    [
        ("test_p3_rows_are_grouped", ["P3"], "rows are grouped"),
        ("test_d_a_cells_are_read", ["D-a"], "cells are read"),
        ("test_d1_matrix_is_drawn", ["D1"], "matrix is drawn"),
        ("test_p2_p20_both", ["P2", "P20"], "both"),
        ("test_pages_have_footers", [], "pages have footers"),
        ("test_d_ldap_is_no_rule", [], "d ldap is no rule"),
    ],
)
def test_ids_stand_at_the_beginning_of_a_name(name: str, ids: list[str], claim: str):
    assert promises.ids_in(name) == (ids, claim)
