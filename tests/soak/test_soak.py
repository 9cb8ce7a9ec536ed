"""Readers on all pages of a real server while refreshes come and go."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from benchmarks.marked import complaint, primes
from benchmarks.server import Got
from benchmarks.soak import soak

OURS, THEIRS = islice(primes(), 2)
THIN = "\u202f"


def page(text: str, kind: str = "list", content_type: str = "text/html; charset=utf-8") -> Got:
    return Got(kind, "/listpage", 200, {"x-snapshot": "v1", "content-type": content_type}, text.encode(), 0.0, 0.01)


def spelt(number: int) -> str:
    return f"{number:,}".replace(",", THIN)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"<td>{spelt(3 * OURS)}</td><td>{spelt(2 * THEIRS)}</td>", "text/html"),
        (f'<a data-s="0.{OURS} 1.{THEIRS}">{spelt(OURS)}</a>', "text/html"),
        (f'[{{"errors": {OURS}}}, {{"errors": [{THEIRS}]}}]', "application/json"),
    ],
)
def test_one_number_of_another_snapshot_is_seen(text: str, kind: str) -> None:
    assert str(2 * THEIRS if "<td>" in text else THEIRS) in complaint(page(text, content_type=kind), OURS)


def test_a_page_whose_foot_and_head_name_two_snapshots_is_seen() -> None:
    text = f'<td>{spelt(OURS)}</td><span data-snapshot="v2">snapshot v2</span>'

    assert complaint(page(text), OURS) == "/listpage: its head says v1, its foot v2"


def test_a_page_on_which_nothing_can_be_checked_is_seen() -> None:
    assert "nothing could be checked" in complaint(page("<td>12</td>"), OURS)


def test_sums_of_one_snapshot_names_and_small_numbers_are_no_complaint() -> None:
    text = f"<p>12{THIN}345 workflows, task_HIG-RunIIFall18-00059_210128_114947</p><td>{spelt(17 * OURS)}</td>"

    assert complaint(page(text), OURS) == ""


def test_a_trend_may_tell_of_snapshots_before_and_what_stands_around_it_not() -> None:
    trend = f'<figure class="trend">\n<td>{spelt(THEIRS)}</td>\n</figure>'

    assert complaint(page(f"{trend}<td>{spelt(OURS)}</td>{trend}"), OURS) == ""
    assert str(3 * THEIRS) in complaint(page(f"{trend}<td>{spelt(3 * THEIRS)}</td>{trend}"), OURS)


def test_no_page_is_wrong_or_of_two_snapshots_while_refreshes_come_and_go(tmp_path: Path) -> None:
    found = soak(tmp_path, workflows=300, seconds=20, every=4, readers=3, pause=0.05)

    assert found.complaints == []
    assert found.snapshots >= 3
    assert found.kinds == 14


@pytest.mark.drill
def test_ten_minutes_of_ten_thousand_workflows_with_a_refresh_every_minute(tmp_path: Path) -> None:
    found = soak(tmp_path, workflows=10_000, seconds=600, every=60, readers=8, pause=0.1)

    assert found.complaints == []
    assert found.snapshots >= 9
