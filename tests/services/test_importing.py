"""What the original kept comes over: each record once, at its own time; a bad one is named with its line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.model import ActionState, Reason
from wwt_framework.services.importing import Imported, import_file
from wwt_framework.store import Store, ledger

NOON = 1_550_000_000
AT = datetime(2019, 2, 12, 19, 33, 20, tzinfo=timezone.utc)
DONE, QUEUED, SUPERSEDED = ActionState.DONE, ActionState.QUEUED, ActionState.SUPERSEDED


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.memory()
    yield opened
    opened.close()


def acdc(**more: Any) -> dict[str, Any]:
    task = {"memory": "8000", "splitting": "2x", "sites": ["T1_DE_KIT"], "cores": ""}
    return {
        "Action": "acdc",
        "user": "op",
        "Reasons": ["a<br>b"],
        "ACDCs": ["acdc_1"],
        "Parameters": {"T1": task},
        **more,
    }


def document(workflow: str, acted: Any = 1, at: Any = NOON, **parameters: Any) -> dict[str, Any]:
    made = {"_id": {"$oid": "5c63"}, "workflow": workflow, "workflowid": workflow, "timestamp": at, "acted": acted}
    return {**made, "parameters": acdc(**parameters)}


def written(folder: Path, text: str | bytes, name: str = "actions.json") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return path


def taken(store: Store, folder: Path, text: str, name: str = "actions.json") -> Imported:
    return import_file(store, written(folder, text, name), "anna")


def test_c6_d_i_an_action_of_mongodb_comes_over_as_it_was(store: Store, tmp_path: Path) -> None:
    found = taken(store, tmp_path, json.dumps(document("wf_a")))
    (action,) = ledger.done_actions(store)

    assert found == Imported(kept=1)
    assert (action.workflow, action.kind, action.user, action.submitted_at, action.acdcs) == (
        "wf_a", "acdc", "op", AT, ("acdc_1",),
    )  # fmt: skip
    assert action.task_values == {"T1": {"memory": 8000, "splitting": "2x", "sites": ["T1_DE_KIT"]}}
    assert action.reasons == (Reason("", "a\nb"),)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_c6_a_number_that_is_none_is_named_and_the_others_are_kept(store: Store, tmp_path: Path, number: str) -> None:
    bad = json.dumps(document("wf_bad")).replace('"8000"', number)

    found = taken(store, tmp_path, bad + "\n" + json.dumps(document("wf_a")))

    assert found == Imported(kept=1, problems=("line 1: wf_bad: every number in Parameters must be finite",))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(document("wf_a")) + "\n" + json.dumps(document("wf_b")) + "\n",
        json.dumps([document("wf_a"), document("wf_b")]),
        json.dumps([document("wf_a"), document("wf_b")], indent=2),
        "\ufeff\n" + json.dumps([document("wf_a"), document("wf_b")]),
        json.dumps({"wf_a": acdc(), "wf_b": acdc()}),
        json.dumps({"wf_a": acdc(), "wf_b": acdc()}, indent=4),
    ],
    ids=["lines", "array", "indented array", "with a mark", "mapping", "indented mapping"],
)
def test_c6_every_shape_of_file_is_read(store: Store, tmp_path: Path, text: str) -> None:
    assert taken(store, tmp_path, text) == Imported(kept=2)
    assert [action.workflow for action in ledger.done_actions(store)] == ["wf_a", "wf_b"]


@pytest.mark.parametrize(
    "at",
    [
        NOON, float(NOON), {"$numberLong": str(NOON)}, {"$numberInt": str(NOON)}, {"$numberDouble": f"{NOON}.0"},
        {"$date": "2019-02-12T19:33:20Z"}, {"$date": NOON * 1000}, {"$date": {"$numberLong": str(NOON * 1000)}},
        "2019-02-12T19:33:20+00:00",
    ],
)  # fmt: skip
def test_c6_times_are_read_as_mongoexport_writes_them(store: Store, tmp_path: Path, at: Any) -> None:
    taken(store, tmp_path, json.dumps(document("wf_a", at=at)))

    assert [action.submitted_at for action in ledger.done_actions(store)] == [AT]


def test_c6_a_file_with_a_day_in_its_name_is_of_that_day_and_user(store: Store, tmp_path: Path) -> None:
    taken(store, tmp_path, json.dumps({"wf_a": acdc(user="")}), "olga_20170301.json")
    (action,) = ledger.done_actions(store)

    assert (action.user, action.submitted_at) == ("olga", datetime(2017, 3, 1, tzinfo=timezone.utc))


def test_c6_to_import_twice_is_to_import_once(store: Store, tmp_path: Path) -> None:
    text = json.dumps([document("wf_a"), document("wf_a", at=NOON + 1), document("wf_b", acted=0)])
    first, second = taken(store, tmp_path, text), taken(store, tmp_path, text)

    assert (first.kept, second.kept, second.known) == (3, 0, 3)
    assert len(ledger.actions_on(store, "wf_a")) == 2


def test_c6_a_bad_record_is_named_with_its_line_and_the_others_are_kept(store: Store, tmp_path: Path) -> None:
    lines = [
        json.dumps(document("wf_a")),
        "",
        '{"workflow": "wf_b", broken',
        json.dumps(document("wf_c", Action="dance")),
        json.dumps({**document("wf_d"), "timestamp": "soon"}),
        json.dumps({**document("wf_e"), "parameters": None}),
        json.dumps(document("", Action="acdc")),
        json.dumps(document("wf_f", Parameters={"T1": "odd"})),
        "[1]",
        json.dumps(document("wf_g")),
    ]
    found = taken(store, tmp_path, "\n".join(lines))

    assert [action.workflow for action in ledger.done_actions(store)] == ["wf_a", "wf_g"]
    assert found.problems == (
        "line 3: expected JSON: Expecting property name enclosed in double quotes",
        "line 4: wf_c: Action must be one of acdc, clone, recovery, special, got 'dance'",
        "line 5: 'wf_d': timestamp must be seconds since 1970, or a date, got 'soon'",
        "line 6: wf_e: expected parameters like {Action, Parameters, Reasons}, got None",
        "line 7: expected the name of a workflow, got ''",
        "line 8: wf_f: Parameters of T1 must be a mapping of its fields, got 'odd'",
        "line 9: expected a document {workflow, timestamp, parameters, acted}, got [1]",
    )


def test_c6_an_array_that_breaks_off_keeps_what_stands_before(store: Store, tmp_path: Path) -> None:
    text = json.dumps([document("wf_a"), document("wf_b")], indent=1)
    found = taken(store, tmp_path, text[: text.index('"wf_b"')])

    assert [action.workflow for action in ledger.done_actions(store)] == ["wf_a"]
    assert len(found.problems) == 1
    assert found.problems[0].endswith("what follows in this file was not read")


def test_c6_what_was_not_acted_on_is_still_to_be_done(store: Store, tmp_path: Path) -> None:
    taken(store, tmp_path, json.dumps(document("wf_a", acted=0)))

    assert [action.workflow for action in ledger.hand_out(store, "unified")] == ["wf_a"]


def test_c6_of_two_open_actions_on_a_workflow_the_later_one_is_done(store: Store, tmp_path: Path) -> None:
    later, earlier = document("wf_a", 0, NOON + 60, Action="clone", Parameters={}), document("wf_a", 0)
    taken(store, tmp_path, json.dumps([later, earlier]))

    assert [(action.kind, action.state) for action in ledger.actions_on(store, "wf_a")] == [
        ("acdc", SUPERSEDED), ("clone", QUEUED),
    ]  # fmt: skip


def test_c6_what_was_asked_for_here_is_not_taken_back_by_what_comes_over(store: Store, tmp_path: Path) -> None:
    taken(store, tmp_path, json.dumps(document("wf_a", 0, NOON + 60)))
    taken(store, tmp_path, json.dumps(document("wf_a", 0)), "older.json")

    assert [action.submitted_at.timestamp() for action in ledger.open_actions(store)] == [NOON + 60]


def test_c6_the_life_of_an_imported_action_is_one_that_the_rules_allow(store: Store, tmp_path: Path) -> None:
    taken(store, tmp_path, json.dumps(document("wf_a")))
    (action,) = ledger.done_actions(store)

    assert [(e.user, e.before, e.after, e.at) for e in ledger.events(store, action.id)] == [
        ("op", None, QUEUED, AT), ("anna", QUEUED, DONE, AT),
    ]  # fmt: skip


def test_o6_actions_of_older_versions_have_their_names_of_today(store: Store, tmp_path: Path) -> None:
    taken(store, tmp_path, json.dumps([document("wf_a", Action="recover"), document("wf_b", Action="investigate")]))

    assert [action.kind for action in ledger.done_actions(store)] == ["acdc", "special"]


def test_c6_dirt_of_the_past_is_kept_as_far_as_it_can_be_understood(store: Store, tmp_path: Path) -> None:
    tasks = {
        "/wf_a/T1": {"sites": "T1_DE_KIT", "memory": "180000"},
        "AllSteps": {"xrootd": "enabled", "memory": "12gb"},
    }
    taken(store, tmp_path, json.dumps(document("wf_a", Parameters=tasks)))
    (action,) = ledger.done_actions(store)

    assert action.task_values == {"T1": {"sites": ["T1_DE_KIT"], "memory": 180000}}
    assert action.values == {"xrootd": "enabled", "memory": "12gb"}


def book(folder: Path, *rows: tuple[Any, Any]) -> Path:
    path = folder / "reasons.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE reasons (shortreason varchar(255) PRIMARY KEY, longreason varchar(4095))")
        database.executemany("INSERT INTO reasons VALUES (?, ?)", rows)
    return path


def test_c6_d_i_the_book_of_reasons_comes_over_and_twice_is_once(store: Store, tmp_path: Path) -> None:
    path = book(tmp_path, ("oom", "too little<br>memory"), ("site", ""))
    first, second = import_file(store, path, "anna"), import_file(store, path, "anna")

    assert (first, second) == (Imported(reasons=2), Imported(known=2))
    assert ledger.reasons(store) == [Reason("oom", "too little\nmemory"), Reason("site", "site")]


def test_c6_a_reason_without_a_name_is_told(store: Store, tmp_path: Path) -> None:
    found = import_file(store, book(tmp_path, (None, "x"), (" ", "y"), ("good", "z")), "anna")

    assert (found.reasons, found.problems) == (
        1, ("row 1: a reason has a short text, got None", "row 2: a reason has a short text, got ' '"),
    )  # fmt: skip


def test_c6_another_database_is_no_book_of_reasons(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as database, database:
        database.execute("create table users (name)")

    assert "it is no reasons.db" in import_file(store, tmp_path / "other.db", "anna").problems[0]


@pytest.mark.slow
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_c6_any_file_at_all_is_read_or_told_of(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    store = Store.memory()
    try:
        import_file(store, written(tmp_path_factory.mktemp("any"), data), "anna")
    finally:
        store.close()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["workflow", "timestamp", "parameters", "acted", "Action", "Parameters", "Reasons", "T", "$date"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.slow
@given(st.lists(_JSON, max_size=4))
def test_c6_any_json_at_all_is_kept_or_told_of(tmp_path_factory: pytest.TempPathFactory, records: list[Any]) -> None:
    store = Store.memory()
    try:
        found = import_file(store, written(tmp_path_factory.mktemp("any"), json.dumps(records)), "anna")
        assert found.kept + found.known + len(found.problems) == len(records)
    finally:
        store.close()
