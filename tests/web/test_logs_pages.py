"""The page of logs: messages first, their texts on demand, a text as a file, nothing of a log as HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from wwt_framework.cube import ErrorColumns
from wwt_framework.model import ErrorCount, LogExcerpt, Mined, Template, Workflow
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
BAD = "<script>alert(1)</script>\x1b[31m\u202e\x00"


def excerpt(i: int, site: str = "T2_US_MIT") -> LogExcerpt:
    return LogExcerpt("/wf/t", 85, site, "Read", f"could not open /store/{i}.root {BAD}", count=i, at=NOON)


def mine(texts: Sequence[str]) -> Mined:
    known = Template("open", f"could not open <file> {BAD}")
    return Mined(("open",) * len(texts), (known,), tuple((text.split()[3],) for text in texts))


@pytest.fixture
def mined(tmp_path: Path) -> Snapshot:
    """Three texts of one message, each with harm in it."""
    counts = [ErrorCount("/wf/t", 85, "T2_US_MIT", 6), ErrorCount("/wf/t", 85, "T1_US_FNAL", 2)]
    logs = [("wf", excerpt(1)), ("wf", excerpt(2, "T1_US_FNAL")), ("wf", excerpt(3))]
    folder = tmp_path / "mined"
    folder.mkdir()
    parts = SnapshotParts("v1", NOON, [Workflow("wf")], ErrorColumns.of(counts), logs=logs)
    write(folder, parts, mine)
    return open_snapshot(folder)


@pytest.fixture
def client(installation: Callable[..., Any], mined: Snapshot) -> Any:
    return installation(snapshot=mined)


def text_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def test_p12_texts_of_one_template_are_one_message_with_its_places(client: Any) -> None:
    got = client.get("/explainerror?errorcode=85&workflowstep=/wf/t")
    (article,) = got.dom().iter("article")

    assert "1 message in 3 different texts, said by 6 jobs that were looked at" in text_of(got.dom())
    assert text_of(article).startswith("6 jobs at T2_US_MIT 4 T1_US_FNAL 2 Read (Exit code: 85)")
    assert [text_of(chip) for chip in article.iter("span") if chip.get("class") == "lg-chip"] == ["3 files"]
    assert "seen 2026-11-23 12:00 UTC" in text_of(article)


def test_p12_all_texts_of_a_message_are_a_link_away(client: Any) -> None:
    first = client.get("/explainerror?errorcode=85&workflowstep=/wf/t")
    (link,) = [a for a in first.dom().iter("a") if text_of(a) == "All 3 texts of this message"]
    got = client.get(link.get("href"))

    assert len(list(got.dom().iter("article"))) == 3
    assert "3 different texts of this message" in text_of(got.dom())


def test_p12_unknown_message_is_404(client: Any) -> None:
    assert client.get("/explainerror?errorcode=85&workflowstep=/wf/t&template=nobody").status == 404


def test_p12_names_in_a_text_lead_further(client: Any) -> None:
    got = client.get("/explainerror?errorcode=85&workflowstep=/wf/t")

    (pre,) = got.dom().iter("pre")
    assert [(text_of(a), a.get("href")) for a in pre.iter("a")] == [
        ("/store/3.root", f"/showlog?search={quote('/store/3.root', safe='')}")
    ]


def test_o5_messages_of_all_workflows_are_told_and_those_of_one_site(client: Any) -> None:
    everywhere = client.get("/explainerror?errorcode=85")
    there = client.get("/explainerror?errorcode=85&sitename=T1_US_FNAL")

    assert "1 message in 3 different texts, said by 6 jobs that were looked at; 8 failed" in text_of(everywhere.dom())
    assert "1 message in 1 different text, said by 2 jobs that were looked at; 2 failed" in text_of(there.dom())


def test_p12_text_is_a_file_to_keep_and_not_to_show(client: Any) -> None:
    first = client.get("/explainerror?errorcode=85&workflowstep=/wf/t")
    (link,) = [a for a in first.dom().iter("a") if text_of(a) == "Download"]
    got = client.get(link.get("href"))

    assert got.body.decode() == f"could not open /store/3.root {BAD}"
    assert got.header("Content-Type") == "text/plain; charset=utf-8"
    assert got.header("X-Content-Type-Options") == "nosniff"
    assert got.header("Content-Disposition") == 'attachment; filename="logs-85-wf.txt"'


def test_p12_all_texts_come_as_one_file(client: Any) -> None:
    body = client.get("/explainerror?errorcode=85&workflowstep=/wf/t&format=txt").body.decode()

    assert body.count("=== ") == 6
    assert "=== 3 jobs at T2_US_MIT (3)\n=== Read (Exit code: 85)\ncould not open /store/3.root" in body


def test_p12_text_that_is_gone_is_404(client: Any) -> None:
    assert client.get("/explainerror?errorcode=85&workflowstep=/wf/t&format=txt&text=0123").status == 404


def test_p12_tables_hold_all_texts_with_template_and_values(client: Any) -> None:
    told = client.get("/explainerror?errorcode=85&workflowstep=/wf/t&format=json").json

    assert [(row["template"], row["values"]) for row in told] == [
        ("open", ["/store/3.root"]), ("open", ["/store/2.root"]), ("open", ["/store/1.root"]),
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["errorcode=85", "errorcode=85&workflowstep=/wf/t&template=open"])
def test_d9_nothing_of_a_log_or_template_is_html(client: Any, query: str) -> None:
    got = client.get(f"/explainerror?{query}")

    assert "<script>alert" not in got.text
    assert "&lt;script&gt;alert(1)" in got.text
    assert not set("\x1b\x00\u202e") & set(got.text)


def test_p12_why_texts_are_not_grouped_is_told(installation: Any, tmp_path: Path) -> None:
    parts = SnapshotParts(
        "v1", NOON, [Workflow("wf")], ErrorColumns.of([ErrorCount("/wf/t", 85, "S", 1)]), logs=[("wf", excerpt(1))]
    )
    folder = tmp_path / "broken"
    folder.mkdir()
    write(folder, parts, lambda _texts: "clustering.miner: no disk")
    got = installation(snapshot=open_snapshot(folder)).get("/explainerror?errorcode=85")

    assert "Not all texts could be put under a message: clustering.miner: no disk" in text_of(got.dom())
    assert len(list(got.dom().iter("article"))) == 1
