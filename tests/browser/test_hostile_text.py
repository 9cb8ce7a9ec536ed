"""Chromium walks every page of an installation in which every name, log, reason and note means harm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import html5lib
import pytest
from playwright.sync_api import Page

from tests.attack.besieged import ADMIN, BETRAYED, HARM, PASSWORD, besieged, workflows
from tests.attack.parameters import PLAUSIBLE, Address, Visitors, addresses
from tests.browser.visiting import answering, sign_in
from wwt_framework.app import App
from wwt_framework.store import ledger
from wwt_framework.web import wsgi

#: What stands in a page that is ours, or was made of somebody's text.
LOOK = """
(marks) => {
  const found = [];
  for (const one of document.querySelectorAll("*")) {
    const tag = one.localName;
    if (["iframe", "object", "embed", "base"].includes(tag) || (tag === "script" && !one.src)) found.push(`<${tag}>`);
    for (const { name, value } of one.attributes) {
      const bad = name.startsWith("on") || name === "srcdoc" || marks.some((mark) => name.includes(mark));
      if (bad || (name === "id" && marks.includes(value))) found.push(`<${tag} ${name}="${value.slice(0, 80)}">`);
      if (["href", "src", "action", "formaction"].includes(name) && /^\\s*(javascript|data|vbscript):/i.test(value))
        found.push(`<${tag} ${name}="${value.slice(0, 80)}">`);
    }
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = besieged(tmp_path_factory.mktemp("besieged"))
    yield app
    app.close()


@pytest.fixture(scope="module")
def every(app: App) -> list[Address]:
    return [address for address in addresses(Visitors(app)) if address.method == "GET"]


@pytest.fixture(scope="module")
def home(app: App) -> Iterator[str]:
    with answering(wsgi.build(app)) as address:
        yield address


def queries(address: Address) -> list[dict[str, Any]]:
    """An address as it is; with what makes sense; with text that means harm in every field."""
    fields = sorted(address.names - {"format", "part"})
    if not fields:
        return [{}]
    names = workflows()
    sense = [{name: PLAUSIBLE.get(name, "") for name in fields if PLAUSIBLE.get(name)}]
    if {"workflow", "of", "workflowstep"} & set(fields):
        sense = [
            {**sense[0], **dict.fromkeys({"workflow", "of"} & set(fields), name)} for name in (names[0], *names[-5:])
        ]
    if "workflowstep" in fields:
        sense = [{"errorcode": "0", "workflowstep": f"/{names[-2]}/"}]
    return [*sense, dict.fromkeys(fields, HARM[-3])] if sense else [{}, dict.fromkeys(fields, HARM[-3])]


def complaints(page: Page, url: str) -> list[str]:
    """What is wrong with the page at *url*."""
    answer = page.goto(url, wait_until="load")
    assert answer is not None
    if answer.status >= 500 and "auth.oidc" not in url:
        return [f"{url}: {answer.status}"]
    if "text/html" not in answer.headers.get("content-type", ""):
        return []
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    parser.parse(answer.text())
    # A control character stands in the value of a field as it is in the name that has to come back.
    errors = [(code, place) for place, code, _ in parser.errors if code != "invalid-codepoint"]
    invalid = [f"{url}: not valid HTML: {code} at {place}" for code, place in errors]
    return invalid + [f"{url}: {found}" for found in page.evaluate(LOOK, list(BETRAYED))]


@pytest.mark.console(r"status of (4\d\d|503)")
def test_no_page_makes_anything_of_hostile_text_but_text(page: Page, home: str, every: list[Address]) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    sign_in(page, home, ADMIN, PASSWORD)
    wrong, walked = [], 0
    for address in every:
        path = re.sub(r"/\*$", "/x", address.path)
        for query in queries(address):
            walked += 1
            wrong += complaints(page, f"{home}{path}?{urlencode(query)}" if query else home + path)

    assert walked > 100
    assert not wrong, "\n".join(wrong[:50])
    assert dialogs == []


@pytest.mark.console("status of 40[34]")
def test_a_page_of_another_origin_changes_nothing_in_ones_name(page: Page, home: str, app: App) -> None:
    """A page on another port, which a browser takes for the same site: cookies with SameSite go along."""
    sign_in(page, home, ADMIN, PASSWORD)
    before = ledger.deeds(app.store)
    forms = {
        "/people/disable": {"name": "olga"},
        "/tokens": {"label": "x", "scope": "admin", "days": "9"},
        "/logout": {},
    }

    def evil(environ: Any, start: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        start("200 OK" if path in forms else "404 Not Found", [("Content-Type", "text/html; charset=utf-8")])
        fields = "".join(f'<input name="{name}" value="{value}">' for name, value in forms.get(path, {}).items())
        return [
            f'<!DOCTYPE html><title>x</title><form method=post action="{home}{path}">{fields}<button>win</button></form>'.encode()
        ]

    with answering(evil) as elsewhere:
        for path in forms:
            page.goto(elsewhere + path)
            with page.expect_response(home + path) as answer:
                page.get_by_role("button", name="win").click()
            assert answer.value.status == 403, path

    assert ledger.deeds(app.store) == before
    page.goto(f"{home}/people")
    assert page.get_by_role("heading", level=1).first.inner_text() == "People"  # still signed in, still an admin
    assert ledger.disabled_among(app.store, ["olga"]) is False


@pytest.mark.console(r"X-Frame-Options|frame-ancestors|Framing")
def test_no_page_of_ours_stands_in_a_frame_of_another(page: Page, home: str) -> None:
    def evil(environ: Any, start: Any) -> list[bytes]:  # as WSGI asks
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [f'<!DOCTYPE html><title>x</title><iframe src="{home}/login"></iframe>'.encode()]

    with answering(evil) as elsewhere:
        page.goto(elsewhere)
        (frame,) = page.frames[1:]

        assert frame.get_by_label("Password").count() == 0


def test_the_look_at_a_page_sees_what_it_is_for(page: Page) -> None:
    page.set_content(
        f"<b id={BETRAYED[0]} onload=x>b</b><a href=' javascript:x'>a</a><i title='onload {BETRAYED[0]}'>i</i>"
    )

    assert len(page.evaluate(LOOK, list(BETRAYED))) == 3
