"""Groups of workflows, similar ones, and what operators say about both."""

from __future__ import annotations

import re
import threading

import pytest

from tests.services.alike.alike_world import COUNTS, WORKFLOWS, Grouper
from tests.web.house import HOSTILE
from wwt_framework.config import PluginConfig
from wwt_framework.hooks.loader import Loaded
from wwt_framework.model import Action, ActionState, ErrorCount, ExitCode, Similar, Workflow
from wwt_framework.services.alike.likeness import Likenesses
from wwt_framework.store import ledger

LABELS = {"wf_a": 0, "wf_b": 0, "wf_c": 1, "wf_none": -1}
NAMES = {0: "exit code 8028, mostly at T1_DE_KIT", 1: "exit code 85"}


@pytest.fixture
def grouper():
    one = Grouper(LABELS, NAMES)
    one.near = (Similar("wf_b", 0.125, ("code:8028", "site:T1_DE_KIT"), ("type:Merge", "same mistake")),)
    return one


@pytest.fixture
def client(installation, snapshot, grouper):
    world = snapshot(COUNTS, workflows=WORKFLOWS, exit_codes=[ExitCode(8028, "file open failed", "It was not there.")])
    return installation({"clustering.one": grouper}, world)


def cells(got):
    """The text of every row of every table."""
    return ["|".join(" ".join("".join(cell.itertext()).split()) for cell in row) for row in got.dom().iter("tr")]


def fit(client):
    """Group anew, here and now."""
    return client.app.clockwork.run_now("clusters", "olga")


# -- the original's addresses --


def test_j13_similarwfs_gives_the_others_of_the_group_sorted_and_those_acted_on(client):
    assert client.get("/similarwfs?workflow=wf_a").json == {"similar": ["wf_b"], "acted": []}


def test_j13_workflows_that_were_acted_on_are_named(client):
    act(client, "wf_b")

    assert client.get("/similarwfs?workflow=wf_a").json == {"similar": ["wf_b"], "acted": ["wf_b"]}


def act(client, workflow):
    store = client.app.store
    action = Action("a" * 32, "acdc", workflow, {}, {}, (), "olga", ActionState.QUEUED, store.now(), store.now())
    ledger.submit(store, [action])
    ledger.move(store, action.id, ActionState.DONE, "unified")


@pytest.mark.parametrize("query", ["?workflow=unknown", "?workflow=", "", "?workflow=wf_none"])
def test_j13_it_is_empty_for_an_unknown_workflow(client, query):
    assert client.get(f"/similarwfs{query}").json == {"similar": [], "acted": []}


def test_j13_it_is_empty_where_nothing_groups(installation, snapshot):
    assert installation(snapshot=snapshot(COUNTS)).get("/similarwfs?workflow=wf_a").json == {"similar": [], "acted": []}


def test_p18_cluster_shows_a_button_and_groups_anew_when_it_is_pressed(client):
    client.sign_in("olga")
    asked = client.get("/cluster")
    assert "Group workflows anew?" in asked.text
    assert ledger.runs(client.app.store, 5, name="clusters") == []

    done = client.post("/cluster", form={"csrf_token": client.csrf_token()})

    assert "Action completed" in done.text
    assert "Go Back" in done.text
    (run,) = ledger.runs(client.app.store, 5, name="clusters")
    assert (run.user, run.state) == ("olga", "queued")


def test_p18_pressed_again_while_it_waits_is_the_same_run(client):
    asked = [client.get("/cluster", user="olga", headers={"Accept": "*/*"}).json["run"] for _ in range(2)]
    client.sign_in("olga")
    client.post("/cluster", form={"csrf_token": client.csrf_token()})

    (run,) = ledger.runs(client.app.store, 5, name="clusters")
    assert asked == [run.id, run.id]


def test_p18_a_script_groups_anew_by_get_as_before(client):
    got = client.get("/cluster", user="olga", headers={"Accept": "*/*"})

    assert got.json["message"] == "Workflows are being grouped anew."
    assert ledger.runs(client.app.store, 5, name="clusters")


@pytest.mark.parametrize("path", ["/cluster", "/clusters/merge", "/clusters/split", "/clusters/undo"])
def test_p18_visitors_and_viewers_change_nothing(client, path):
    assert client.post(path, form={"number": "1"}).status in (302, 303, 401, 403)
    assert client.post(path, user="vera", form={"number": "1"}).status == 403
    assert ledger.runs(client.app.store, 5, name="clusters") == []


def test_p1_update_clusters_stands_in_the_footer(client):
    footer = next(client.get("/clusters").dom().iter("footer"))

    assert "/cluster" in [link.get("href") for link in footer.iter("a")]


# -- groups --


def test_clusters_lists_groups_with_what_they_fail_with(client):
    fit(client)
    rows = cells(client.get("/clusters"))

    assert (
        rows[1] == "exit code 8028, mostly at T1_DE_KIT file open failed|2|||32|8028 100 %|T1_DE_KIT 94 % T2_US_MIT 6 %"
    )
    assert rows[2].startswith("exit code 85|1|||6|85 83 %|")


def test_clusters_come_as_csv_and_json(client):
    assert client.get("/clusters?format=json").json[0]["workflows"] == 2
    assert (
        client.get("/clusters?format=csv")
        .text.splitlines()[1]
        .startswith('"exit code 8028, mostly at T1_DE_KIT",wf_b,2')
    )


def test_what_stands_in_the_place_of_a_site_reads_as_such_and_counts_as_it_is_called(installation, snapshot):
    counts = [ErrorCount("/wf_a/T", 85, "Unknown", 6), ErrorCount("/wf_b/T", 85, "NoReportedSite", 2)]
    grouper = Grouper({"wf_a": 0, "wf_b": 0}, {0: "exit code 85"})
    grouper.near = (Similar("wf_b", 0.125, ("site:Unknown",), ("site:NoReportedSite",)),)
    client = installation({"clustering.one": grouper}, snapshot(counts, workflows=WORKFLOWS[:2]))

    assert cells(client.get("/clusters"))[1].endswith("|unknown site 75 % no site reported 25 %")
    assert "sites unknown site 75" in " ".join("".join(client.get("/clusters?of=wf_a").dom().itertext()).split())
    assert client.get("/clusters?format=json").json[0]["sites"] == ["Unknown", "NoReportedSite"]
    (near,) = client.get("/seeworkflow?workflow=wf_a&format=json").json["similar"]
    assert (near["shared"], near["differs"]) == (["unknown site"], ["no site reported"])
    assert "/globalerror?site=NoReportedSite" in client.get("/seeworkflow?workflow=wf_a").text
    assert "Unknown unknown site|not known" in "".join(cells(client.get("/sites")))
    assert client.get("/sites?site=Unknown").dom().find(".//h1/small").text == "unknown site"


def test_group_of_a_workflow_lists_its_members(client):
    rows = cells(client.get("/clusters?of=wf_a"))

    assert rows[1:3] == ["wf_b|20|8028 20|none", "wf_a|12|8028 12|none"]
    assert client.get("/clusters?of=wf_a&format=json").json[1]["failed jobs"] == 12


def test_those_that_are_like_no_other_are_counted_and_listed(client, grouper):
    grouper.labels["wf_c"] = -1
    fit(client)
    told = client.get("/clusters").text
    assert "1 workflow is like no other" in told
    assert "/clusters?by=clustering.one&amp;alone=1" in told

    assert cells(client.get("/clusters?alone=1"))[1:2] == ["wf_c|6|85 5 n.r. 1|none"]
    assert [line["workflow"] for line in client.get("/clusters?alone=1&format=json").json] == ["wf_c"]


def test_where_every_workflow_has_a_group_that_is_said(client):
    fit(client)
    assert "none is like no other" in client.get("/clusters").text
    assert "Every workflow with failed jobs is in a group." in client.get("/clusters?alone=1").text


def test_numbers_of_acted_workflows_are_told(client):
    act(client, "wf_b")

    assert cells(client.get("/clusters"))[1].split("|")[2] == "1"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/clusters?of=wf_none", "is like no other, as clustering.one sees it"),
        ("/clusters?of=nobody", "is not in what was fetched last"),
        ("/clusters?by=clustering.two", "No plugin clustering.two groups workflows here; there are: clustering.one."),
    ],
)
def test_what_has_no_group_is_said(client, path, words):
    fit(client)
    got = client.get(path)

    assert got.status == 404
    assert words in got.text


def test_offset_must_be_a_number(client):
    assert client.get("/clusters?of=wf_a&offset=-1").status == 400


@pytest.mark.parametrize("query", ["of=wf_a&offset=2", "alone=1&offset=1", "of=wf_a&offset=9999999&format=csv"])
def test_there_are_no_lines_beyond_the_last(client, query):
    fit(client)
    got = client.get(f"/clusters?{query}")

    assert got.status == 404
    assert re.search(r"There are [02] workflows here, so none is left", got.text)


def test_nobody_is_like_no_other_before_something_was_learnt(client):
    for query in ("of=wf_none", "alone=1"):
        got = client.get(f"/clusters?{query}")

        assert got.status == 404
        assert "clustering.one has not learnt from anything so far" in got.text


def test_without_a_plugin_the_page_says_what_to_list(installation, snapshot):
    assert "No plugin here groups workflows" in installation(snapshot=snapshot(COUNTS)).get("/clusters").text


def test_a_broken_clusterer_costs_its_groups_and_no_page(client, grouper):
    grouper.fails = ValueError("<b>no model</b>")

    page, workflow = client.get("/clusters"), client.get("/seeworkflow?workflow=wf_a")

    assert page.status == workflow.status == 200
    assert "There are no groups to show" in page.text
    assert "Similar workflows are missing here" in workflow.text
    assert "<b>no model" not in page.text + workflow.text
    assert client.get("/similarwfs?workflow=wf_a").status == 503


def test_a_clusterer_that_hangs_is_told_on_both_pages_and_asked_again_by_an_admin(client, grouper):
    now, grouper.waits = [0.0], threading.Event()
    client.app.alike = Likenesses(client.app.store, client.app.alike.models, 0.0, lambda: now[0])
    one = PluginConfig("clustering", "one", "one", where="plugins.yml:7")
    client.app.house.loaded = (Loaded(one, state="ready", hooks=("label_workflows",)),)
    assert "The groups are being worked out" in client.get("/clusters").text
    now[0] = 901.0
    told, plugins = client.get("/clusters").text, client.get("/plugins", user="adam").text
    hanging, grouper.waits = grouper.waits, None
    client.sign_in("adam")
    client.post("/plugins/release", form={"csrf_token": client.csrf_token(), "plugin": "clustering.one"})
    client.app.alike._patience_s = 60.0
    again = client.get("/clusters")
    hanging.set()

    assert "There are no groups to show: clustering.one has worked on them for more than 15 minutes" in told
    assert "Not asked for label_workflows: its answers came too late." in plugins
    assert "did not answer within 900 s, and may never" in plugins
    assert "Try clustering.one again" in plugins
    assert cells(again)[1].startswith("exit code 8028")


def test_before_the_first_fit_the_page_says_so(client):
    assert "Nothing was learnt yet" in client.get("/clusters").text


def test_progress_and_the_last_failure_are_shown(client, grouper):
    store = client.app.store
    run = ledger.request_run(store, "clusters", {}, "olga")
    ledger.start_run(store, run)
    ledger.progress_run(store, run, 0.4, "making vectors")
    assert "making vectors" in client.get("/clusters").text

    ledger.end_run(store, run, "failed", "no memory")
    assert "The last grouping failed" in client.get("/clusters").text


# -- what operators say --


def test_splitting_and_taking_back(client):
    client.sign_in("olga")
    form = {"csrf_token": client.csrf_token(), "by": "clustering.one", "of": "wf_b", "workflows": "wf_a"}
    assert client.post("/clusters/split", form=form).status == 303
    assert client.get("/similarwfs?workflow=wf_a").json["similar"] == []
    assert "set apart" in client.get("/clusters").text

    client.post("/clusters/undo", form={"csrf_token": client.csrf_token(), "number": "1"})

    assert client.get("/similarwfs?workflow=wf_a").json["similar"] == ["wf_b"]
    assert "taken back by olga" in client.get("/clusters").text


def test_p18_what_was_learnt_already_is_unlearnt_when_it_is_taken_back(client):
    client.sign_in("olga")
    form = {"csrf_token": client.csrf_token(), "by": "clustering.one"}
    client.post("/clusters/split", form={**form, "of": "wf_b", "workflows": "wf_a"})
    client.post("/clusters/undo", form={**form, "number": "1"})
    assert ledger.runs(client.app.store, 5, name="clusters") == []
    client.post("/clusters/split", form={**form, "of": "wf_b", "workflows": "wf_a"})
    fit(client)

    client.post("/clusters/undo", form={**form, "number": "2"})

    (run,) = ledger.runs(client.app.store, 5, name="clusters", states=("queued",))
    assert run.user == "olga"


def test_merging_two_groups(client):
    client.sign_in("olga")
    form = {"csrf_token": client.csrf_token(), "by": "clustering.one", "of": "wf_b", "other": "wf_c"}

    assert client.post("/clusters/merge", form=form).status == 303

    assert client.get("/similarwfs?workflow=wf_c").json["similar"] == ["wf_a", "wf_b"]


def test_what_can_not_be_meant_is_refused_in_words(client):
    client.sign_in("olga")
    form = {"csrf_token": client.csrf_token(), "by": "clustering.one", "of": "wf_b"}

    nobody = client.post("/clusters/split", form=form)
    all_of_them = client.post("/clusters/split", form={**form, "workflows": ["wf_a", "wf_b"]})
    same = client.post("/clusters/merge", form={**form, "other": "wf_a"})
    gone = client.post("/clusters/merge", form={**form, "other": "wf_none"})

    assert (nobody.status, all_of_them.status, same.status, gone.status) == (400, 400, 400, 404)
    assert "tick some" in nobody.text
    assert "tick what belongs together" in client.post("/clusters/merge", form={**form, "back": "workflow"}).text
    assert client.post("/clusters/undo", form={**form, "number": "x"}).status == 400
    assert client.post("/clusters/undo", form={**form, "number": "77"}).status == 404
    unknown = client.post("/clusters/split", form={**form, "workflows": ["wf_a", "x" * 5000], "back": "workflow"})
    assert unknown.status == 404
    assert ledger.corrections(client.app.store) == []


def test_a_fit_is_given_what_operators_said(client, grouper):
    client.sign_in("olga")
    form = {"csrf_token": client.csrf_token(), "of": "wf_a", "workflows": "wf_c", "back": "workflow"}
    assert client.post("/clusters/merge", form=form).header("Location").endswith("/seeworkflow?workflow=wf_a")

    assert fit(client).state == "done"

    (said,) = grouper.corpus.corrections
    assert (said.kind, said.workflows, said.user) == ("merge", ("wf_a", "wf_c"), "olga")


# -- the box of similar workflows --


def test_f6_similar_workflows_say_why_and_can_be_ticked(client):
    client.sign_in("olga")
    got = client.get("/seeworkflow?workflow=wf_a")
    box = next(section for section in got.dom().iter("section") if section.get("id") == "similar")

    (row,) = [row for row in box.iter("tr") if row.get("data-row") is not None]
    words = " ".join("".join(row.itertext()).split())
    assert words == "wf_b 8028 file open failedT1_DE_KITtasks of type Mergesame mistake 0.12 20 none"
    (tick,) = [box for box in row.iter("input") if box.get("name") == "workflows"]
    assert (tick.get("value"), tick.get("form")) == ("wf_b", "act-form")
    assert "issuggested=1" in next(row.iter("a")).get("href")


def test_f6_what_is_ticked_goes_into_the_form_with_the_workflow_and_why(client):
    client.sign_in("olga")
    form = {
        "csrf_token": client.csrf_token(), "step": "select", "scope": "similar", "by": "clustering.one", "of": "wf_a",
        "workflows": ["wf_b", "wf_c"],
    }  # fmt: skip
    got = client.post("/submitaction", form=form)
    draft = got.header("Location").partition("draft=")[2].partition("&")[0]

    intent = ledger.draft(client.app.store, draft).content
    assert "like it, distance 0.12: 8028 file open failed, T1_DE_KIT" in str(intent)
    assert "the workflow itself" in str(intent)
    assert "ticked" in str(intent)


def test_f6_a_whole_group_is_acted_on(client):
    client.sign_in("olga")
    form = {"csrf_token": client.csrf_token(), "step": "select", "scope": "group", "by": "clustering.one", "of": "wf_a"}

    got = client.post("/submitaction", form=form)

    assert got.status == 303
    assert client.post("/submitaction", form={**form, "of": "wf_none"}).status == 400


def test_acted_similar_workflows_are_marked_though_the_snapshot_stays(client):
    before = client.get("/seeworkflow?workflow=wf_a")
    act(client, "wf_b")
    after = client.get("/seeworkflow?workflow=wf_a", headers={"If-None-Match": before.header("ETag")})

    assert after.status == 200
    assert "acted" in after.text.partition('id="similar"')[2].partition("</section>")[0]


def test_another_finder_can_be_asked(installation, snapshot, grouper):
    other = Grouper(LABELS)
    client = installation({"clustering.one": grouper, "clustering.two": other}, snapshot(COUNTS, workflows=WORKFLOWS))

    assert (
        "No other workflow fails like this one, as clustering.two"
        in client.get("/seeworkflow?workflow=wf_a&alike=clustering.two").text
    )
    assert client.get("/seeworkflow?workflow=wf_a&alike=clustering.three").status == 404


def test_the_page_as_json_has_them_too(client):
    told = client.get("/seeworkflow?workflow=wf_a&format=json").json["similar"]

    assert told[0]["workflow"] == "wf_b"
    assert told[0]["shared"] == ["8028 file open failed", "T1_DE_KIT"]


def test_hostile_names_stay_text(installation, snapshot):
    evil = [name.replace("/", "|") for name in HOSTILE]
    workflows = [Workflow(f"w{at}{name}") for at, name in enumerate(evil)]
    counts = [ErrorCount(f"/{workflow.name}/T", 85, evil[0], 5) for workflow in workflows]
    grouper = Grouper({workflow.name: 0 for workflow in workflows}, {0: evil[0] + evil[1]})
    grouper.near = tuple(
        Similar(workflow.name, 0.1, (f"site:{evil[1]}", evil[0]), (evil[1],)) for workflow in workflows
    )
    client = installation({"clustering.one": grouper}, snapshot(counts, workflows=workflows))
    client.sign_in("olga")
    first = min(workflow.name for workflow in workflows)
    ledger.keep_correction(client.app.store, "merge", [workflow.name for workflow in workflows], [], "olga")

    from urllib.parse import quote

    for path in ("/clusters", f"/clusters?of={quote(first)}", f"/seeworkflow?workflow={quote(first)}"):
        got = client.get(path)
        assert got.status == 200
        got.dom()
        assert "<script>alert" not in got.text
        assert "<img src=x" not in got.text
