"""What stands on the frame's own pages: numbers, ages, words; and that hostile text stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import pytest

from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import ErrorCount, ExitCode, Rejected, SourceReport, Workflow
from wwt_framework.store import ledger
from wwt_framework.web import filters
from wwt_framework.web.frame import source_lines

PAGES = [
    "/",
    "/login",
    "/logout",
    "/plugins",
    "/jobs",
    "/freshness",
    "/help/keys",
    "/help/api",
    "/jump",
    "/jump?q=a",
    "/nothing",
]
NOW = datetime(2026, 11, 23, 12, 7, tzinfo=timezone.utc)


def words(got):
    """The text of a page as it is read."""
    return re.sub(r"[ \r\n\t]+", " ", " ".join(got.dom().itertext()))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("user", ["", "olga", "adam"])
def test_pages_are_valid_html_before_the_first_refresh(client, path, user):
    got = client.get(path, user=user)

    got.dom()
    assert got.status in (200, 404)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("user", ["", "adam"])
def test_hostile_names_stay_text(installation, hostile_world, path, user):
    client = installation(snapshot=hostile_world)
    ledger.request_run(client.app.store, "<script>x</script>", {"prep_ids": ["<b>\u202e"]}, '"><script>')

    got = client.get(path, user=user)

    dom = got.dom()
    assert all((script.get("src") or "").startswith("/static/") for script in dom.iter("script"))
    assert not [e for e in dom.iter() if any(a.startswith("on") for a in e.attrib)]
    assert not [a for a in dom.iter("a") if (a.get("href") or "").startswith("javascript:")]
    assert "\u202e" not in got.text
    assert "1337" not in got.text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=a>', "%{{7*191}}", "a" * 5000, "\u202e", "'"]
)
def test_what_is_typed_into_the_jump_box_stays_text(client, text):
    got = client.get("/jump?q=" + quote(text))

    got.dom()
    assert "<script>alert" not in got.text
    assert "onerror=a>" not in got.text


def test_every_id_on_a_page_is_there_once(installation, hostile_world):
    client = installation(snapshot=hostile_world)
    for path in PAGES:
        ids = [e.get("id") for e in client.get(path, user="adam").dom().iter() if e.get("id")]
        assert len(ids) == len(set(ids)), path


# -- P1 --


def test_p1_the_welcome_page_leads_to_the_global_errors(client):
    links = {a.get("href") for a in client.get("/").dom().find(".//main").iter("a")}

    assert "/globalerror" in links


def test_p1_every_page_has_the_footer(client):
    for path in PAGES:
        footer = client.get(path).dom().find(".//footer")
        assert {"/", "/globalerror", "/resetcache"} <= {a.get("href") for a in footer.iter("a")}


def test_the_welcome_page_counts_what_there_is(installation, snapshot):
    world = snapshot(
        [ErrorCount("/a/t", 85, "T1_X", 700), ErrorCount("/a/u", 85, "T1_X", 504), ErrorCount("/b/t", 92, "T2_Y", 1)],
        workflows=[Workflow("a", "P1"), Workflow("b", "P1"), Workflow("c", "P2")],
    )

    told = words(installation(snapshot=world).get("/"))

    assert "Global errors 1\u202f205 failed jobs" in told
    assert "Workflows 2 of 3 have failed jobs" in told


def test_before_the_first_refresh_unknown_is_not_zero(client):
    told = words(client.get("/"))

    assert "not the same as no errors" in told
    assert "failed jobs" not in told


# -- freshness --


def report(plugin="errors.file", state="ok", minutes=4, **more):
    return SourceReport(plugin, more.pop("kind", "errors"), state, NOW, NOW - timedelta(minutes=minutes), **more)


def test_the_strip_says_per_source_how_old_and_what_is_missing(installation, snapshot):
    world = snapshot(
        [ErrorCount("/a/t", 85, "T1_X", 7)],
        workflows=[Workflow("a"), Workflow("b"), Workflow("c")],
        errors_state={"b": 3, "c": 3},
        sources=[report(), report("errors.prod_status", "kept", 31, note="404 Not Found", kind="site statuses")],
    )

    strip = next(
        s for s in installation(snapshot=world).get("/help/keys").dom().iter("section") if s.get("class") == "strip"
    )
    told = " ".join(" ".join(strip.itertext()).split())

    assert "errors.file ok" in told
    assert "errors.prod_status kept from earlier !" in told
    assert "2 workflows whose errors are not known" in told


def test_a_source_is_as_bad_as_its_worst_answer_and_as_old_as_its_oldest():
    (line,) = source_lines([report(minutes=4), report(state="failed", minutes=50, note="no"), report(minutes=9)], NOW)

    assert (line.state, line.age, line.note, line.trouble) == ("failed", "50 min", "no", True)


def test_what_was_rejected_is_listed_by_its_path(installation, snapshot):
    rejected = (Rejected("/wf/task > 8028 > T1_US_FNAL", "expected a whole number, got 'x'", "wf"),)
    world = snapshot(sources=[report(state="partial", rejected=rejected, rejected_count=1)])

    told = words(installation(snapshot=world).get("/freshness"))

    assert "/wf/task > 8028 > T1_US_FNAL" in told
    assert "expected a whole number, got 'x'" in told


def test_freshness_as_json_and_csv(installation, snapshot):
    client = installation(snapshot=snapshot(sources=[report(note="=1+1")]))

    (row,) = client.get("/freshness?format=json").json
    lines = client.get("/freshness?format=csv").text.split("\r\n")

    assert (row["plugin"], row["state"], row["as_of"]) == ("errors.file", "ok", "2026-11-23T12:03:00+00:00")
    assert lines[0].startswith("plugin,kind,state")
    assert "'=1+1" in lines[1]


@pytest.mark.parametrize("path", ["/freshness", "/jobs", "/plugins", "/jump"])
def test_another_format_is_refused_in_words(client, path):
    got = client.get(path + "?format=xml")

    assert got.status == 400
    assert "json" in got.json["error"]


# -- jump --


@pytest.fixture
def jumper(installation, snapshot):
    counts = [
        ErrorCount("/pdm_HIG-001_v1/T", 8028, "T2_CH_CERN", 5),
        ErrorCount("/pdm_HIG-001_v2/T", 85, "T1_US_FNAL", 5),
        ErrorCount("/sus/T", 92, "T2_CH_CSCS", 5),
    ]
    workflows = [
        Workflow("pdm_HIG-001_v1", "HIG-001"),
        Workflow("pdm_HIG-001_v2", "HIG-001"),
        Workflow("sus", "SUS-002"),
    ]
    codes = [ExitCode(8028, "file could not be opened", "The file could not be opened.")]
    return installation(snapshot=snapshot(counts, workflows=workflows, exit_codes=codes))


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("sus", "/seeworkflow?workflow=sus"),
        ("+SUS+", "/seeworkflow?workflow=sus"),
        ("/sus/T/Merge", "/seeworkflow?workflow=sus"),
        ("HIG-001", "/globalerror?search=HIG-001&open=HIG-001"),
        ("hig-001", "/globalerror?search=HIG-001&open=HIG-001"),
        ("t2_ch_cern", "/globalerror?site=T2_CH_CERN"),
        ("8028", "/globalerror?code=8028&pievar=errorcode"),
        ("not+reported", "/globalerror?code=-1&pievar=errorcode"),
        ("FNAL", "/globalerror?site=T1_US_FNAL"),
        ("could+not+be+opened", "/globalerror?code=8028&pievar=errorcode"),
    ],
)
def test_the_jump_box_leads_to_what_was_typed(jumper, typed, address):
    got = jumper.get(f"/jump?q={typed}")

    assert (got.status, got.header("Location")) == (302, address)


def test_the_jump_box_lists_what_may_have_been_meant(jumper):
    rows = jumper.get("/jump?q=hig&format=json").json

    assert [(row["kind"], row["name"]) for row in rows] == [
        ("workflow", "pdm_HIG-001_v1"),
        ("workflow", "pdm_HIG-001_v2"),
        ("prep id", "HIG-001"),
    ]


def test_the_jump_box_says_when_there_is_nothing_by_that_name(jumper):
    got = jumper.get("/jump?q=zzz")

    assert got.status == 404
    assert "Nothing by this name" in got.text


def test_a_name_typed_in_its_own_case_is_found_among_those_that_differ_in_case(installation, snapshot):
    client = installation(snapshot=snapshot(workflows=[Workflow("Abc"), Workflow("aBC"), Workflow("abc")]))

    for name in ("Abc", "aBC", "abc"):
        assert client.get(f"/jump?q={name}").header("Location") == f"/seeworkflow?workflow={name}"


# -- jobs --


def test_jobs_show_how_far_who_asked_and_why_it_failed(client):
    store = client.app.store
    failed = ledger.request_run(store, "train", {}, "olga")
    ledger.start_run(store, failed)
    ledger.end_run(store, failed, "failed", "errors.file: no such file")
    running = ledger.request_run(store, "refresh", {"prep_ids": ["HIG-001"]})
    ledger.start_run(store, running)
    ledger.progress_run(store, running, 0.4, "fetching errors")

    told = words(client.get("/jobs"))

    assert "40 % fetching errors" in told
    assert "the clock" in told
    assert "failed ! errors.file: no such file" in told
    assert "Olga" not in told
    assert "olga" in told


def test_only_who_may_sees_the_refresh_button(client):
    assert "Refresh now" in client.get("/jobs", user="olga").text
    assert "Refresh now" not in client.get("/jobs", user="vera").text


# -- words --


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "not known"), (0, "0"), (7, "7"), (1204, "1\u202f204"), (1234567, "1\u202f234\u202f567"), (0.5, "0.5")],
)
def test_numbers_are_grouped_and_unknown_is_not_zero(value, text):
    assert filters.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-500, "in the future"),
        (0, "now"),
        (59, "now"),
        (60, "1 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172800, "2 days"),
    ],
)
def test_ages_are_told_in_one_unit(seconds, text):
    assert filters.age_words(seconds) == text


def test_a_long_name_keeps_both_ends_and_has_the_whole_in_its_title():
    name = "pdmvserv_task_HIG-RunIIFall18wmLHEGS-00388__v1_T_181126_083424_8286"

    cut = filters.short(name, 21)

    assert ">pdmvserv_t\u202683424_8286<" in cut
    assert f'title="{name}"' in cut


@pytest.mark.parametrize("width", [1, 2, 3, 10, 400])
def test_a_cut_name_is_never_wider_than_asked(width):
    assert len(filters.middle_cut("x" * 300, width)) <= width


def test_a_time_of_today_is_short_and_another_day_has_its_date():
    at = datetime(2018, 11, 26, 12, 3, tzinfo=timezone.utc)

    assert filters.utc(at, at) == '<time datetime="2018-11-26T12:03:00Z">12:03 UTC</time>'
    assert ">2018-11-26 12:03 UTC<" in filters.utc(at, NOW)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "not known"), (0, 9, "0\u202f%"), (1, 900, "under 1\u202f%"), (1, 2, "50\u202f%")],
)
def test_a_share_that_is_there_is_never_called_nothing(part, whole, text):
    assert filters.percent(part, whole) == text


def test_the_rehearsal_says_so_on_every_page(installation):
    client = installation(dry_run=True)

    for path in PAGES:
        assert "Rehearsal." in client.get(path).text
    assert "Rehearsal." not in installation().get("/").text


def test_the_menu_says_where_one_is(client):
    for path, label in [("/jobs", "Jobs"), ("/plugins", "Plugins")]:
        here = [a.text for a in client.get(path).dom().iter("a") if a.get("aria-current") == "page"]
        assert here == [label]


def test_behind_a_prefix_every_address_of_a_page_has_it(installation):
    client = installation(base_url="https://grid.example/wwt")
    for path in PAGES:
        dom = client.get(path, user="adam").dom()
        addresses = [e.get(a) for e in dom.iter() for a in ("href", "src", "action") if e.get(a)]
        inside = [a for a in addresses if a.startswith("/")]
        assert inside
        assert all(re.match(r"/wwt(/|$)", a) for a in inside), path


def test_no_plugin_at_all_is_said_on_the_plugins_page(client):
    client.app.house.hooks = Hooks()

    assert "lists no plugin" in client.get("/plugins").text


def test_a_source_that_answers_with_old_data_is_said_to_be_old(installation, snapshot):
    now = datetime.now(timezone.utc)  # the strip tells ages by the clock of now
    old = SourceReport("errors.file", "errors", "ok", now, now - timedelta(minutes=330))
    world = snapshot(sources=[old], taken_at=now)

    strip = next(
        s for s in installation(snapshot=world).get("/help/keys").dom().iter("section") if s.get("class") == "strip"
    )

    assert "errors.file 5 h old !" in " ".join(" ".join(strip.itertext()).split())


def test_data_are_old_beyond_a_limit_and_not_before():
    (old,) = source_lines([report(minutes=61)], NOW, 3600)
    (fresh,) = source_lines([report(minutes=59)], NOW, 3600)

    assert (old.old, old.trouble, fresh.old) == (True, False, False)


def test_what_is_wrong_with_a_source_that_answers_stands_on_the_strip_and_on_its_plugin(installation, snapshot):
    lines = [report(), SourceReport("errors.file", "workflows", "ok", NOW, NOW, warning="expires in <3.0 h>")]
    client = installation(snapshot=snapshot(sources=lines))
    strip = next(s for s in client.get("/help/keys").dom().iter("section") if s.get("class") == "strip")

    assert "errors.file ok expires in <3.0 h> !" in " ".join(" ".join(strip.itertext()).split())
    assert "expires in &lt;3.0 h&gt; !" in client.get("/freshness").text
    assert client.get("/freshness?format=json").json[1]["warning"] == "expires in <3.0 h>"


def test_the_strip_says_why_a_source_is_silent(installation, snapshot):
    client = installation(snapshot=snapshot(sources=[report(state="kept", note="proxy.pem expired at 11:00 UTC")]))
    strip = next(s for s in client.get("/help/keys").dom().iter("section") if s.get("class") == "strip")

    assert "proxy.pem expired at 11:00 UTC" in " ".join(" ".join(strip.itertext()).split())


def test_d_e_states_of_sites_are_old_only_after_their_own_period():
    sites = SourceReport("errors.sites", "site statuses", "ok", NOW, NOW - timedelta(minutes=89))
    older = replace(sites, as_of=NOW - timedelta(minutes=91))

    assert [source_lines([line], NOW, 3600, 1800)[0].old for line in (sites, older)] == [False, True]
