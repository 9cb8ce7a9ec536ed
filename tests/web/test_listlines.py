"""The lines of a list, written without a template: names stay text, whoever chose them."""

from __future__ import annotations

from dataclasses import replace

import html5lib
import pytest

from tests.web.house import HOSTILE
from wwt_framework.services.listing import Entry, Listing
from wwt_framework.web.filters import plain
from wwt_framework.web.listlines import list_lines

EMPTY = Listing("workflow", 85, "85", "", "T1_X", "", "", (), 0, 0, 0, None)


def dom(shown: Listing, may_act: bool = False):
    text = f"<!DOCTYPE html><title>t</title><table><tbody>{list_lines(shown, '/wwt', may_act)}</tbody></table>"
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


@pytest.mark.parametrize("of", ["workflow", "code", "site"])
@pytest.mark.parametrize("name", [name for name in HOSTILE if len(name) < 60])
def test_a_hostile_name_is_shown_as_text(of: str, name: str) -> None:
    called = "85" if of == "code" else name  # exit codes are numbers; their meanings are anybody's words
    entry = Entry(called, called, 1204, "none", meaning=name, colour="red", readiness="not ready", production=name)
    shown = dom(replace(EMPTY, of=of, workflow=name, workflow_kind="workflow", entries=(entry,)), may_act=True)

    assert plain(name).replace("\r\n", "\n") in "".join(shown.find(".//tr").itertext())
    assert [e.tag for e in shown.iter() if e.tag in ("script", "img", "b")] == []


def test_a_line_names_its_action_its_state_and_its_number() -> None:
    entries = (
        Entry("a", "a", 1204, "pending", state="partial"),
        Entry("b", "b", 3, "acted"),
        Entry("c", "c", 1, "none"),
    )

    cells = [["".join(cell.itertext()) for cell in row] for row in dom(replace(EMPTY, entries=entries)).iter("tr")]

    assert cells == [["a", "≥1\u202f204", "… pending"], ["b", "3", "✓ acted"], ["c", "1", "nobody acted"]]


def test_an_exit_code_of_a_task_leads_to_the_logs_of_that_task() -> None:
    shown = replace(EMPTY, of="code", workflow="/w/t", workflow_kind="task", entries=(Entry("85", "85", 2),))

    assert dom(shown).find(".//a").get("href") == "/wwt/explainerror?errorcode=85&workflowstep=%2Fw%2Ft"
