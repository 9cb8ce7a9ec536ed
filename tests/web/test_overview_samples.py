"""Headers of the matrix tell what jobs said, to eyes and to screen readers, and nothing of it is HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wwt_framework.model import ErrorCount, LogExcerpt, Workflow

BAD = "could not open <img src=x onerror=alert(1)>\x1b[31m"


@pytest.fixture
def client(installation: Callable[..., Any], snapshot: Callable[..., Any]) -> Any:
    world = snapshot(
        [ErrorCount("/wf/t", 85, "T2_US_MIT", 6), ErrorCount("/wf/t", 86, "T1_US_FNAL", 2)],
        workflows=[Workflow("wf")],
        logs=[("wf", LogExcerpt("/wf/t", 85, "T2_US_MIT", text=BAD, count=4))],
    )
    return installation(snapshot=world)


def described(got: Any) -> dict[str, str]:
    """Words of each column's header -> what describes it."""
    dom = got.dom()
    by_id = {e.get("id"): " ".join("".join(e.itertext()).split()) for e in dom.iter() if e.get("id")}
    links = [a for th in dom.iter("th") if "column" in (th.get("class") or "").split() for a in th.iter("a")]
    return {"".join(a.itertext()): by_id.get(a.get("aria-describedby", ""), "") for a in links}


@pytest.mark.parametrize(
    ("pievar", "expected"),
    [
        ("sitename", {"85": "What jobs with this exit code said could not open <img src=x onerror=alert(1)>⟨U+001B⟩[31m (4 jobs)", "86": ""}),
        ("errorcode", {"T2_US_MIT": "What jobs there said could not open <img src=x onerror=alert(1)>⟨U+001B⟩[31m (4 jobs)", "T1_US_FNAL": ""}),
    ],
)  # fmt: skip
def test_o7_headers_are_described_by_what_jobs_said(client: Any, pievar: str, expected: dict[str, str]) -> None:
    got = client.get(f"/globalerror?pievar={pievar}")

    assert described(got) == expected
    assert "<img src=x" not in got.text
