"""The form of an action and its preview: what was shown is what is queued, once, by who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.services.desk_world import ACDC1, GEN, MERGE, OTHER, WF, World
from tests.web.acting_house import BROWSER, acting_app, client_of, fields_of
from tests.web.house import HOSTILE, Client, Got, Installation
from wwt_framework import hookimpl
from wwt_framework.model import Action, ActionState, Effect, NotHonoured, Problem, Reason, User, Workflow
from wwt_framework.plugin import Page, Reply, Visit
from wwt_framework.services import desk
from wwt_framework.store import ledger

FORM = f"/submitaction?workflow={WF}&kind=acdc"


@pytest.fixture
def open_app(tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    opened: list[Installation] = []

    def build(**more: Any) -> Installation:
        opened.append(acting_app(tmp_path, **more))
        return opened[-1]

    yield build
    for app in opened:
        app.clockwork.stop()
        app.store.close()


@pytest.fixture
def app(open_app: Callable[..., Installation]) -> Installation:
    return open_app()


@pytest.fixture
def olga(app: Installation) -> Client:
    return signed_in(app)


def signed_in(app: Installation, name: str = "olga") -> Client:
    client = client_of(app)
    client.sign_in(name)
    return client


def text_of(got: Got) -> str:
    return " ".join("".join(got.dom().find(".//main").itertext()).split())


def post(client: Client, form: dict[str, Any], **changes: Any) -> Got:
    return client.post("/submitaction", form={**form, **changes}, headers=BROWSER)


def previewed(client: Client, address: str = FORM, **changes: Any) -> Got:
    """The preview that a browser without scripts comes to from the form at *address*."""
    got = post(client, fields_of(client.get(address), "act"), step="preview", **changes)
    assert got.status == 303, got.text
    return client.get(got.header("Location"))


def queued(client: Client, address: str = FORM, **changes: Any) -> Got:
    return post(client, fields_of(previewed(client, address, **changes)), step="submit", confirm="yes")


def stored(app: Installation, workflow: str = WF) -> list[Action]:
    return ledger.actions_on(app.store, workflow)


# -- who may --


@pytest.mark.parametrize(("user", "status"), [("", 401), ("vera", 403), ("nora", 403), ("olga", 200), ("adam", 200)])
def test_p13_the_form_is_for_operators(app: Installation, user: str, status: int) -> None:
    client = signed_in(app, user) if user else client_of(app)

    assert client.get(FORM).status == status


@pytest.mark.parametrize("step", ["select", "draw", "preview", "submit", "again", ""])
def test_no_step_is_taken_for_another_page_on_the_web(app: Installation, olga: Client, step: str) -> None:
    form = {"workflows": WF, "kind": "acdc", "action": "acdc", "scope": "ticked", "step": step}

    assert olga.post("/submitaction", form=form, headers={"Origin": "http://evil.example"}).status == 403
    assert olga.post("/submitaction", form=form, headers=BROWSER).status == 403  # without the token
    assert stored(app) == []


def test_the_menu_leads_to_actions_and_reasons(olga: Client) -> None:
    menu = [a.get("href") for a in olga.get("/actions").dom().find(".//nav").iter("a")]

    assert {"/actions", "/reasons"} <= set(menu)


# -- the form --


def test_p9_the_page_of_a_workflow_leads_to_the_form(olga: Client) -> None:
    (link,) = [a for a in olga.get(f"/seeworkflow?workflow={WF}").dom().iter("a") if a.get("data-act") is not None]

    assert (link.text, olga.get(link.get("href")).status) == ("Act on this workflow", 200)


def test_p9_a_viewer_is_told_what_acting_needs(app: Installation) -> None:
    said = text_of(signed_in(app, "vera").get(f"/seeworkflow?workflow={WF}"))

    assert "acting needs the role operator" in said
    assert "Act on this workflow" not in said


def test_f2_kinds_are_cards_with_a_line_of_what_they_do(olga: Client) -> None:
    cards = [label for label in olga.get(FORM).dom().iter("label") if "ac-kind" in (label.get("class") or "")]

    assert [card.find(".//input").get("value") for card in cards] == ["acdc", "clone", "recovery", "special"]
    assert all(card.find(".//small").text for card in cards)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("acdc", {"xrootd", "secondary", "splitting", "memory", "cores"}),
        ("recovery", {"xrootd", "secondary", "splitting", "memory", "cores", "group"}),
        ("special", {"action", "other", "until"}),
    ],
)
def test_f2_each_kind_has_its_fields(olga: Client, kind: str, fields: set[str]) -> None:
    form = fields_of(olga.get(f"/submitaction?workflow={WF}&kind={kind}"), "act")

    assert {name.removeprefix("value.") for name in form if name.startswith("value.")} == fields


def test_f2_splitting_is_chosen_among_the_eight(olga: Client) -> None:
    boxes = [i for i in olga.get(FORM).dom().iter("input") if i.get("name") == "value.splitting"]

    assert [box.get("value") for box in boxes] == ["", "2x", "3x", "10x", "20x", "50x", "100x", "200x", "max"]


def test_the_address_fills_the_form_in(olga: Client) -> None:
    form = fields_of(
        olga.get(f"{FORM}&advice=drain&value.memory=4000&task.{GEN}.splitting=3x&task.{GEN}.cores=2"), "act"
    )

    assert (form["value.memory"], form[f"task.{GEN}.splitting"], form[f"task.{GEN}.cores"]) == ("4000", "3x", "2")


def test_every_procedure_that_filled_the_form_in_is_named(olga: Client) -> None:
    told = text_of(olga.get(f"{FORM}&advice=drain,too-long"))

    assert "Filled in as the procedures drain, too-long advise." in told.replace(" ,", ",")


def test_what_the_address_says_and_the_form_does_not_know_is_told(olga: Client) -> None:
    assert "has no field wheels" in text_of(olga.get(f"{FORM}&value.wheels=4"))


def test_another_kind_is_drawn_with_everything_else_as_it_was(olga: Client) -> None:
    form = fields_of(olga.get(FORM), "act")
    got = post(olga, form, step="draw", kind="clone", longreason1="because", **{"value.memory": "5000"})
    again = fields_of(got, "act")

    assert (got.status, again["kind"], again["value.memory"]) == (200, "clone", "5000")
    assert again["longreason1"] == "because"


def test_f4_sites_in_drain_are_said_to_be_so_and_ticked_for_ban(olga: Client) -> None:
    dom = olga.get(FORM).dom()
    (row,) = [tr for tr in dom.iter("tr") if tr.find("th") is not None and tr.find("th").text == "T2_US_Purdue"]
    ticks = {box.get("name"): box.get("checked") is not None for box in row.iter("input")}

    assert "drain" in [td.text for td in row.iter("td")]
    assert ticks == {"sites": False, "ban": True}


def test_f4_sites_with_input_are_ticked_for_manual(olga: Client) -> None:
    assert fields_of(olga.get(FORM), "act")["sites"] == ["T1_US_FNAL", "T2_CH_CERN"]


def test_what_can_not_be_read_is_told_in_the_form_and_nothing_is_kept(olga: Client) -> None:
    form = fields_of(olga.get(FORM), "act")
    got = post(olga, form, step="preview", **{"value.memory": "much"})

    assert got.status == 422
    assert "Memory must be" in text_of(got)
    assert olga.get(f"/submitaction?draft={form['draft']}").status == 404


def test_without_a_workflow_the_form_asks_which(olga: Client) -> None:
    got = olga.get("/submitaction")
    chosen = post(olga, fields_of(got), step="select", names=f"{WF}\n{OTHER}")

    assert "Act on 2 workflows" in text_of(olga.get(chosen.header("Location")))


# -- what the executor honours --


class Picky:
    """Speaks for an executor that does little."""

    @hookimpl
    def build_refusals(self) -> list[NotHonoured]:
        return [
            NotHonoured("recovery", "Unified has no recovery"),
            NotHonoured("acdc", "nobody reads cores", "cores"),
            NotHonoured("acdc", "too small to count", "splitting", "2x"),
        ]

    @hookimpl
    def build_effects(self, draft: Any, cases: Any) -> list[Effect]:
        return [
            Effect(name, "makes an ACDC", GEN, ignored=("xrootd: it has its own mind",)) for name in draft.workflows
        ]


def test_what_the_executor_does_not_honour_is_switched_off_with_the_reason(open_app: Any) -> None:
    client = signed_in(open_app(plugins={"actions.picky": Picky()}))
    got = client.get(FORM)
    off = {(i.get("name"), i.get("value")) for i in got.dom().iter("input") if i.get("disabled") is not None}

    assert {("kind", "recovery"), ("value.splitting", "2x")} <= off
    assert "value.cores" in {name for name, _ in off}
    for why in ("Unified has no recovery", "nobody reads cores", "too small to count"):
        assert why in text_of(got)


def test_the_preview_says_what_the_executor_will_do_and_ignore(open_app: Any) -> None:
    said = text_of(previewed(signed_in(open_app(plugins={"actions.picky": Picky()}))))

    assert "makes an ACDC" in said
    assert "ignored xrootd: it has its own mind" in said


# -- the preview --


def test_the_preview_shows_exactly_what_each_task_gets(olga: Client) -> None:
    got = previewed(olga, f"{FORM}&value.memory=12gb&task.{GEN}.splitting=3x")
    lines = [" ".join("".join(li.itertext()).split()) for li in got.dom().iter("li") if li.get("class") == "ac-task"]

    assert lines[0].startswith(f"{GEN} Production · 630 failed Splitting 3x Memory 12288 MB T1_US_FNAL T2_CH_CERN")
    assert lines[1].startswith(f"{MERGE} Merge · 20 failed Memory 12288 MB T2_CH_CERN")


def test_the_button_says_what_it_does(olga: Client) -> None:
    (button,) = [b for b in previewed(olga).dom().iter("button") if b.get("value") == "submit"]

    assert button.text == "Queue ACDC for 1 workflow (2 tasks)"


def test_nothing_is_queued_by_a_preview(app: Installation, olga: Client) -> None:
    previewed(olga)

    assert stored(app) == []


def test_p13_what_was_shown_is_queued(app: Installation, olga: Client) -> None:
    queued(olga, f"{FORM}&value.memory=5000")
    (action,) = stored(app)

    assert (action.kind, action.user, action.state) == ("acdc", "olga", ActionState.QUEUED)
    assert action.task_values == {
        GEN: {"memory": 5000, "sites": ["T1_US_FNAL", "T2_CH_CERN"]},
        MERGE: {"memory": 5000, "sites": ["T2_CH_CERN"]},
    }


def test_f3_only_the_ticked_task_is_acted_on(app: Installation, olga: Client) -> None:
    queued(olga, only_task=MERGE)

    assert list(stored(app)[0].task_values) == [MERGE]


def test_f4_banned_sites_are_left_out_of_all_tasks(app: Installation, olga: Client) -> None:
    queued(olga, method="ban", ban=["T1_US_FNAL", "T2_US_Purdue"])

    assert stored(app)[0].task_values == {GEN: {"sites": ["T2_CH_CERN"]}, MERGE: {"sites": ["T2_CH_CERN"]}}


def test_f4_manual_sends_to_the_ticked_sites(app: Installation, olga: Client) -> None:
    queued(olga, method="manual", sites=["T2_DE_DESY"], **{f"sites.{MERGE}": ["T1_US_FNAL"]})

    assert stored(app)[0].task_values == {GEN: {"sites": ["T2_DE_DESY"]}, MERGE: {"sites": ["T1_US_FNAL"]}}


def test_f5_reasons_are_picked_and_written(app: Installation, olga: Client) -> None:
    ledger.add_reasons(app.store, [Reason("drain", "The site is in drain.")], "ivan")
    queued(olga, selectedreason="drain", shortreason1="lost", longreason1="Files are lost.", longreason2="And more.")

    assert stored(app)[0].reasons == (
        Reason("drain", "The site is in drain."),
        Reason("lost", "Files are lost."),
        Reason("", "And more."),
    )
    assert [reason.short for reason in ledger.reasons(app.store)] == ["drain", "lost"]


def test_f5_a_used_short_name_is_warned_of_and_keeps_its_text(app: Installation, olga: Client) -> None:
    ledger.add_reasons(app.store, [Reason("drain", "The site is in drain.")], "ivan")
    got = previewed(olga, shortreason1="Drain", longreason1="Something else.")

    assert "The short name 'drain' is taken; its text in the book is used: The site is in drain." in text_of(got)
    post(olga, fields_of(got), step="submit", confirm="yes")
    assert stored(app)[0].reasons == (Reason("drain", "The site is in drain."),)


def test_d5_reasons_of_the_form_are_kept_in_the_book(app: Installation, olga: Client) -> None:
    queued(olga, shortreason1="lost", longreason1="Files are lost.")

    assert ledger.reasons(app.store) == [Reason("lost", "Files are lost.")]


def test_sending_a_preview_twice_queues_once(app: Installation, olga: Client) -> None:
    form = fields_of(previewed(olga))
    first, second = (post(olga, form, step="submit") for _ in range(2))

    assert (first.status, second.status) == (303, 303)
    assert len(stored(app)) == 1
    assert "carried out once" in text_of(olga.get(second.header("Location")))


def test_a_preview_of_another_window_is_not_queued_by_the_button_of_this_one(app: Installation, olga: Client) -> None:
    draft = fields_of(olga.get(f"/submitaction?workflow={WF}&kind=acdc"), "act")["draft"]
    old = fields_of(previewed(olga, draft=draft, **{"value.memory": "3000"}))
    new = fields_of(previewed(olga, draft=draft, **{"value.memory": "4000"}))
    refused = post(olga, old, step="submit", confirm="yes")
    assert (refused.status, stored(app)) == (409, [])
    assert fields_of(refused) == new  # it shows what would be queued now
    post(olga, new, step="submit", confirm="yes")
    assert {values["memory"] for values in stored(app)[0].task_values.values()} == {4000}


def test_a_yes_is_not_taken_for_a_sentence_that_came_later(app: Installation, olga: Client) -> None:
    form = fields_of(previewed(olga, f"{FORM}&value.memory=5000"))
    draft = desk.open_draft(app.store, form["draft"], User("olga"))

    assert draft.seal([]) == form["shown"]
    assert draft.seal(["ivan asked for acdc a minute ago"]) != form["shown"]


@pytest.mark.parametrize("shown", ["", "0" * 64, ["a", "b"]])
def test_what_no_preview_showed_is_not_queued(app: Installation, olga: Client, shown: Any) -> None:
    form = fields_of(previewed(olga))
    assert (post(olga, form, step="submit", shown=shown).status, stored(app)) == (409, [])


def test_a_form_that_was_queued_already_says_what_became_of_it(app: Installation, olga: Client) -> None:
    form = fields_of(olga.get(FORM), "act")
    preview = olga.get(post(olga, form, step="preview").header("Location"))
    post(olga, fields_of(preview), step="submit")
    got = post(olga, form, step="preview")

    assert got.header("Location") == f"/actions?draft={form['draft']}&repeated=1"


def test_a_draft_is_its_owners(app: Installation, olga: Client) -> None:
    preview = fields_of(previewed(olga))

    assert signed_in(app, "adam").get(f"/submitaction?draft={preview['draft']}").status == 403


def test_a_preview_leads_back_to_the_form_as_it_was_filled_in(olga: Client) -> None:
    draft = fields_of(previewed(olga, f"{FORM}&value.memory=5000"))["draft"]

    assert fields_of(olga.get(f"/submitaction?draft={draft}&form=1"), "act")["value.memory"] == "5000"


class Mender:
    """Changes one value, leaves one task out, blocks another workflow."""

    @hookimpl
    def check_action(self, draft: Any, cases: Any, open_actions: Any) -> list[Problem]:
        return [
            Problem("2000 MB is too little", "memory", workflow=WF, task=GEN, change={"memory": 3000}),
            Problem("merges are never rerun", workflow=WF, task=MERGE, leave_out=True),
            Problem("HIG is closed", workflow=OTHER),
        ]


def test_what_guards_changed_left_out_and_blocked_is_told(open_app: Any) -> None:
    app = open_app(plugins={"actions.mender": Mender()})
    client = signed_in(app)
    got = previewed(client, f"{FORM}&workflows={OTHER}&value.memory=2000")
    said = text_of(got)

    assert "2000 MB 3000 MB 2000 MB is too little" in said
    assert f"left out {MERGE}: merges are never rerun" in said
    assert "blocked HIG is closed" in said
    post(client, fields_of(got), step="submit", confirm="yes")
    assert stored(app)[0].task_values == {GEN: {"memory": 3000, "sites": ["T1_US_FNAL", "T2_CH_CERN"]}}
    assert stored(app, OTHER) == []


# -- confirming --


def test_f7_a_resubmission_is_asked_about_with_who_and_when(app: Installation, olga: Client) -> None:
    queued(olga)
    at = stored(app)[0].submitted_at
    got = previewed(olga)
    refused = post(olga, fields_of(got), step="submit")

    assert f"olga asked for acdc on {WF} at {at:%Y-%m-%d %H:%M} UTC (queued)." in text_of(got)
    assert refused.status == 422
    assert "Nothing was queued yet" in text_of(refused)
    assert len(stored(app)) == 1


def test_f7_with_a_yes_the_newer_action_takes_the_place_of_the_older(app: Installation, olga: Client) -> None:
    queued(olga)
    queued(olga, f"{FORM}&value.cores=4")

    assert [action.state for action in stored(app)] == [ActionState.SUPERSEDED, ActionState.QUEUED]


@pytest.mark.parametrize(("typed", "status"), [("", 422), ("1", 422), ("two", 422), ("2", 303)])
def test_above_the_limit_the_number_has_to_be_typed(open_app: Any, typed: str, status: int) -> None:
    app = open_app(bulk_confirm_above=1)
    client = signed_in(app)
    got = previewed(client, f"{FORM}&workflows={OTHER}")

    assert "Type the number of workflows, 2" in text_of(got)
    assert post(client, fields_of(got), step="submit", typed=typed).status == status
    assert len(stored(app)) == (status == 303)


# -- somebody was faster --


def conflict(app: Installation, olga: Client) -> Got:
    """Olga sends what she previewed before Adam acted on the same workflow."""
    mine = fields_of(previewed(olga, f"{FORM}&value.memory=5000"))
    queued(signed_in(app, "adam"), f"{FORM}&value.memory=7000", longreason1="I was here")
    return post(olga, mine, step="submit")


def test_who_acted_meanwhile_is_not_overwritten(app: Installation, olga: Client) -> None:
    assert conflict(app, olga).status == 409
    assert [(action.user, action.state) for action in stored(app)] == [("adam", ActionState.QUEUED)]


def test_both_versions_stand_side_by_side(app: Installation, olga: Client) -> None:
    got = conflict(app, olga)
    theirs, mine = [d for d in got.dom().iter("div") if d.get("class") == "ac-side"]

    assert "What adam did" in "".join(theirs.itertext())
    assert "7000 MB" in "".join(theirs.itertext())
    assert "5000 MB" in "".join(mine.itertext())


def test_mine_can_be_taken_over_theirs_with_open_eyes(app: Installation, olga: Client) -> None:
    form = fields_of(conflict(app, olga))
    preview = olga.get(post(olga, form, step="again").header("Location"))
    post(olga, fields_of(preview), step="submit", confirm="yes")

    assert f"adam asked for acdc on {WF}" in text_of(preview)
    assert [(action.user, action.state) for action in stored(app)] == [
        ("adam", ActionState.SUPERSEDED),
        ("olga", ActionState.QUEUED),
    ]


def test_only_what_is_in_conflict_is_asked_for_again(app: Installation, olga: Client) -> None:
    mine = fields_of(previewed(olga, f"{FORM}&workflows={OTHER}"))
    queued(signed_in(app, "adam"))
    got = post(olga, mine, step="submit")
    again = olga.get(post(olga, fields_of(got), step="again").header("Location"))

    assert (got.status, len(stored(app, OTHER))) == (409, 1)
    assert "ACDC for 1 workflow (2 tasks)" in text_of(again)


# -- the original's form --

OLD = {
    "workflows": WF, "action": "acdc", "method": "Manual", "task_0": f"/{WF}/{GEN}", "param_0_memory": "5000",
    "param_0_splitting": "2x", "param_0_sites": ["T1_US_FNAL"], "dotasks": f"/{WF}/{GEN}",
    "shortreason0": "lost", "longreason0": "Files are lost.",
}  # fmt: skip


def test_f1_the_originals_form_is_queued_at_once(app: Installation, olga: Client) -> None:
    got = post(olga, OLD, csrf_token=olga.csrf_token())
    (action,) = stored(app)

    assert got.status == 200
    assert action.task_values == {GEN: {"splitting": "2x", "memory": 5000, "sites": ["T1_US_FNAL"]}}
    assert action.reasons == (Reason("lost", "Files are lost."),)


def test_p13_the_confirmation_names_user_workflow_action_parameters_and_reasons(olga: Client) -> None:
    said = text_of(post(olga, OLD, csrf_token=olga.csrf_token()))

    for part in ("User olga", "Action ACDC acdc", "lost Files are lost.", WF, "Splitting 2x", "5000 MB", "T1_US_FNAL"):
        assert part in said


@pytest.mark.parametrize("lacks", ["workflows", "action"])
def test_p13_without_workflow_or_action_one_is_scolded_and_led_back(
    app: Installation, olga: Client, lacks: str
) -> None:
    form = {name: value for name, value in OLD.items() if name != lacks}
    got = post(olga, form, csrf_token=olga.csrf_token())

    assert got.status == 400
    assert any((a.get("href") or "").startswith("/submitaction") for a in got.dom().find(".//main").iter("a"))
    assert stored(app) == []


@pytest.mark.parametrize("lacks", ["workflows", "action"])
def test_f1_a_program_is_told_as_json_what_its_form_lacks(app: Installation, lacks: str) -> None:
    form = {name: value for name, value in OLD.items() if name != lacks}
    got = client_of(app).post("/submitaction", "olga", {"Accept": "*/*"}, form=form)

    assert (got.status, got.json["status"], f"give {lacks}" in got.json["error"]) == (400, 400, True)
    assert stored(app) == []


def test_f1_a_program_is_answered_with_a_line_for_each_workflow(app: Installation) -> None:
    got = client_of(app).post("/submitaction", "olga", {"Accept": "*/*"}, form={**OLD, "workflows": [WF, "gone"]})

    assert [(line["workflow"], line["state"]) for line in got.json["lines"]] == [(WF, "queued"), ("gone", "missing")]


# -- picking sites --


@pytest.fixture
def siteless(open_app: Callable[..., Installation]) -> Installation:
    """Nobody knows where the merge could run but in drain."""
    world = World()
    world.recoveries[1] = (WF, replace(world.recoveries[1][1], sites=frozenset({"T2_US_Purdue"})))
    return open_app(world=world)


def test_p14_tasks_without_sites_lead_to_the_page_that_picks_them(siteless: Installation) -> None:
    olga = signed_in(siteless)
    got = post(olga, {"workflows": WF, "action": "acdc"}, csrf_token=olga.csrf_token())
    page = olga.get(got.header("Location"))

    assert got.header("Location").startswith("/sitesfortasks?draft=")
    assert fields_of(page)["task_0"] == f"/{WF}/{MERGE}"
    assert "T2_US_Purdue drain has its input" in text_of(page)


def test_p14_with_the_picked_sites_all_of_it_is_previewed_and_queued(siteless: Installation) -> None:
    olga = signed_in(siteless)
    page = olga.get(post(olga, {"workflows": WF, "action": "acdc"}, csrf_token=olga.csrf_token()).header("Location"))
    got = olga.post("/sitesfortasks", form={**fields_of(page), "param_0_sites": "T1_US_FNAL"}, headers=BROWSER)
    post(olga, fields_of(olga.get(got.header("Location"))), step="submit", confirm="yes")

    assert stored(siteless)[0].task_values == {
        GEN: {"sites": ["T1_US_FNAL", "T2_CH_CERN"]},
        MERGE: {"sites": ["T1_US_FNAL"]},
    }


def test_p14_without_a_tick_nothing_happens_and_it_says_so(siteless: Installation) -> None:
    olga = signed_in(siteless)
    page = olga.get(post(olga, {"workflows": WF, "action": "acdc"}, csrf_token=olga.csrf_token()).header("Location"))
    got = olga.post("/sitesfortasks", form=fields_of(page), headers=BROWSER)

    assert (got.status, stored(siteless)) == (422, [])
    assert "No site was picked" in text_of(got)


def test_a_preview_leads_to_picking_sites(siteless: Installation) -> None:
    olga = signed_in(siteless)
    links = [a for a in previewed(olga).dom().iter("a") if "Pick sites for 1 task" in "".join(a.itertext())]

    assert olga.get(links[0].get("href")).status == 200


# -- hostile texts --


def test_no_text_becomes_markup_in_form_preview_and_result(open_app: Any) -> None:
    world = World()
    names = [f"wf{i}{name.replace('/', '|')[:300]}" for i, name in enumerate(HOSTILE)]
    world.workflows += [Workflow(name, prep_id="P", status=name) for name in names]
    app = open_app(world=world, plugins={"actions.mender": Mender()})
    ledger.add_reasons(app.store, [Reason(name[:150], name) for name in HOSTILE], "ivan")
    client = signed_in(app)
    for name in names:
        form = client.get(f"/submitaction?kind=special&value.other={WF}", headers={})
        got = client.post(
            "/submitaction", headers=BROWSER,
            form={
                "csrf_token": client.csrf_token(), "step": "preview", "workflows": [name, WF], "kind": "special",
                "value.other": name, "longreason1": name, "shortreason1": name[:150], "source": name, f"why.{name}": name,
            },
        )  # fmt: skip
        pages = [form, got if got.status != 303 else client.get(got.header("Location"))]
        for page in pages:
            tags = {element.tag for element in page.dom().find(".//main").iter() if isinstance(element.tag, str)}
            assert not tags & {"script", "img", "b"}
            assert "onerror" not in {name for element in page.dom().iter() for name in element.attrib}


def test_acdcs_are_kept_with_what_was_queued(app: Installation, olga: Client) -> None:
    queued(olga)

    assert stored(app)[0].acdcs == (ACDC1,)  # F8


class Answers:
    """An executor's plugin: its page says what it was asked."""

    @hookimpl
    def register_pages(self) -> list[Page]:
        def getaction(visit: Visit, user: User, snapshot: Any) -> Reply:
            return Reply(json={"method": visit.method, "query": dict(visit.query)})

        return [Page("/getaction", "getaction", getaction, in_menu=False)]


def test_j4_a_program_that_picks_sites_is_answered_like_getaction_with_acted(tmp_path: Path) -> None:
    world = World()
    world.recoveries[1] = (WF, replace(world.recoveries[1][1], sites=frozenset({"T2_US_Purdue"})))
    app = acting_app(tmp_path, world, plugins={"actions.answers": Answers()})
    program = client_of(app)
    told = program.post("/submitaction", "olga", {"Accept": "*/*"}, form={"workflows": WF, "action": "acdc"}).json
    form = {"draft": told["draft"], "task_0": f"/{WF}/{MERGE}", "param_0_sites": "T1_US_FNAL"}
    got = program.post("/sitesfortasks", "olga", {"Accept": "*/*"}, form=form)

    assert [line["state"] for line in told["lines"]] == ["needs sites"]
    assert (got.status, got.json) == (200, {"method": "GET", "query": {"acted": "1"}})
    assert stored(app)[0].task_values[MERGE] == {"sites": ["T1_US_FNAL"]}
    app.store.close()
