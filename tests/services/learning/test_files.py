"""Files of past decisions: the original's JSON and ours are written and read back."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from datetime import datetime, timezone

import orjson
import pytest

from wwt_framework.errors import WwtError
from wwt_framework.evidence import action_of, case_of, decision_label, plain_case, plain_decision
from wwt_framework.model import ActionState, ErrorCount, Readiness
from wwt_framework.services.learning import files
from wwt_framework.services.learning.files import UNDATED, read_history, write_history
from wwt_framework.services.learning.history import Seen, stored, take_over
from wwt_framework.store import Store, ledger
from wwt_framework.testing import contract_history

W1, W2 = "pdmvserv_task_A__v1_T_181126_083424_8286", "pdmvserv_task_B__v1_T_170320_122033_2363"
OLD = {
    f"/{W1}/a": {
        "errors": {"good_sites": {"85": {"T1_A": 3}}, "bad_sites": {"85": {"T2_B": 1}, "-1": {"T9_X": 2}}},
        "parameters": {"memory": "4000", "action": "acdc"},
    },
    f"/{W1}/a/b": {"errors": {"good_sites": {}, "bad_sites": {"73": {"T2_B": 5}}}, "parameters": {"action": "acdc"}},
    f"/{W2}/a": {"errors": {"good_sites": {"8028": {"T1_A": 1}}, "bad_sites": {}}, "parameters": {"action": "on-hold"}},
}


def written(folder, value, name="history.json"):
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_c4_the_originals_json_is_read_a_decision_for_each_workflow(tmp_path):
    first, second = read_history(written(tmp_path, OLD))

    assert (first.action.workflow, second.action.workflow) == (W2, W1)  # oldest first, by the date in the name
    assert second.decided_at == datetime(2018, 11, 26, 8, 34, 24, tzinfo=timezone.utc)
    assert ErrorCount(f"/{W1}/a", 85, "T1_A", 3) in second.case.errors
    assert second.case.sites["T1_A"].readiness is Readiness.GREEN
    assert second.case.sites["T2_B"].readiness is Readiness.RED
    assert second.action.task_values == {"a": {"memory": "4000"}, "a/b": {}}
    assert (first.action.kind, first.action.values) == ("special", {"action": "on-hold"})


def test_c4_what_is_exported_can_be_read_back(tmp_path):
    store = Store.memory()
    for decision in contract_history(30):
        ledger.import_actions(store, [decision.action], "olga")
        content = ledger.pack(plain_case(decision.case))
        ledger.keep_evidence(store, "v1", [(decision.action.id, decision.action.workflow, content)])
    old, full = tmp_path / "old.json", tmp_path / "full.jsonl.gz"

    assert write_history(old, store) == 60  # tasks
    assert write_history(full, store) == 30  # decisions
    labels = [decision_label(one.action.kind, one.action.values) for one in contract_history(30)]
    assert sorted(one.action.kind for one in read_history(old)) == sorted(labels)
    assert [one.action.kind for one in read_history(full)] == labels
    assert next(one.case for one in read_history(full)).logs[0].text == "it ended with 73"


def test_c4_the_originals_history_is_taken_over_once(tmp_path):
    store = Store.memory()
    past = read_history(written(tmp_path, OLD))

    assert take_over(store, past, "olga") == (2, 0)
    assert take_over(store, past, "olga") == (0, 2)
    again = tmp_path / "again.json"
    write_history(again, store)
    assert json.loads(again.read_text()) == OLD


def test_an_export_without_decisions_is_an_empty_object(tmp_path):
    write_history(tmp_path / "none.json", Store.memory())

    assert json.loads((tmp_path / "none.json").read_text()) == {}


def test_rehearsals_and_what_was_taken_back_are_no_decisions(tmp_path):
    store = Store.memory()
    decision = contract_history(1).decisions[0]
    ledger.submit(
        store,
        [decision.action.__class__(**{**vars_of(decision.action), "state": ActionState.QUEUED})],
        "d",
        None,
        rehearsal=True,
    )
    ledger.keep_evidence(
        store, "v1", [(decision.action.id, decision.action.workflow, ledger.pack(plain_case(decision.case)))]
    )

    assert write_history(tmp_path / "none.jsonl", store) == 0


def vars_of(action):
    return {name: getattr(action, name) for name in action.__dataclass_fields__}


def test_decisions_are_lines_that_are_read_back_as_they_were():
    (decision,) = contract_history(1)

    line = json.loads(json.dumps(plain_decision(decision)))
    assert case_of(line["case"]).errors == tuple(sorted(decision.case.errors, key=lambda one: -one.count))
    assert action_of(line).task_values == decision.action.task_values
    assert action_of(line).submitted_at == decision.decided_at


def test_a_decision_at_a_glance_is_what_it_is_when_it_is_made(tmp_path):
    path = tmp_path / "full.jsonl"
    path.write_text("".join(json.dumps(plain_decision(one)) + "\n" for one in contract_history(9)))
    store = Store.memory()
    take_over(store, read_history(path), "olga")

    for past in (read_history(path), stored(store)):
        glances = list(past.seen())
        assert [replace(one, make=None) for one in glances] == [
            replace(Seen.of(decision), make=None) for decision in past
        ]
        assert glances[0].make().case.logs[0].text == "it ended with 73"


def test_what_was_kept_in_one_piece_is_read_as_well(tmp_path):
    store = Store.memory()
    (decision,) = contract_history(1)
    ledger.import_actions(store, [replace(decision.action, state=ActionState.DONE)], "olga")
    packed = zlib.compress(orjson.dumps(plain_case(decision.case)))  # as it was until logs were put behind the rest
    ledger.keep_evidence(store, "v1", [(decision.action.id, decision.action.workflow, packed)])

    (again,) = stored(store)
    assert again.case.logs == decision.case.logs
    assert ledger.evidence(store, decision.action.id).content == plain_case(decision.case)


def test_a_packed_file_is_read(tmp_path):
    path = tmp_path / "history.json.gz"
    path.write_bytes(gzip.compress(json.dumps(OLD).encode()))

    assert len(read_history(path)) == 2


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"errors": {}, "parameters": {"action": "acdc"}}, "expected errors and parameters: KeyError"),
        ({"errors": {"good_sites": {"x": {"T1": 1}}, "bad_sites": {}}, "parameters": {"action": "acdc"}}, "ValueError"),
        ({"errors": {"good_sites": {}, "bad_sites": {}}, "parameters": {}}, "expected one action"),
        (7, "TypeError"),
        ({"errors": {"good_sites": {"1": {"A": -1}}, "bad_sites": {}}, "parameters": {"action": "acdc"}}, "got -1"),
        (
            {"errors": {"good_sites": {"1": {"A": 1e30}}, "bad_sites": {}}, "parameters": {"action": "acdc"}},
            "got 1e+30",
        ),
        (
            {"errors": {"good_sites": {"1": {"A": float("inf")}}, "bad_sites": {}}, "parameters": {"action": "acdc"}},
            "expected a whole number from 1 on, got inf",
        ),
        (
            {"errors": {"good_sites": {"9" * 30: {"A": 1}}, "bad_sites": {}}, "parameters": {"action": "acdc"}},
            "got '999",
        ),
    ],
)
def test_a_bad_entry_costs_its_own_workflow_and_is_named(tmp_path, entry, words):
    told = []
    found = list(read_history(written(tmp_path, {**OLD, f"/{W2}/a": entry}), told.append))

    assert [one.action.workflow for one in found] == [W1]
    assert any(W2 in one and words in one for one in told)


def test_without_a_date_in_its_name_a_workflow_is_the_oldest_and_that_is_said(tmp_path):
    told = []
    first, *_ = read_history(written(tmp_path, {**OLD, "/nameless/a": OLD[f"/{W1}/a/b"]}), told.append)

    assert (first.action.workflow, first.decided_at) == ("nameless", UNDATED)
    assert any("1 workflows have no date" in one for one in told)


@pytest.mark.parametrize(
    ("text", "words"),
    [("[1, 2]", "expected a history like"), ('{"/w/a": {', r"line 1: expected JSON"), ("", "expected a history like")],
)
def test_what_is_no_history_is_refused_in_words(tmp_path, text, words):
    with pytest.raises(WwtError, match=words):
        read_history(written(tmp_path, text))


def test_a_broken_line_is_named_and_the_others_are_read(tmp_path):
    lines = [json.dumps(plain_decision(one)) for one in contract_history(3)]
    path = written(tmp_path, "\n".join([lines[0], '{"decided_at": "never"}', lines[2]]), "h.jsonl")
    told = []

    assert len(list(read_history(path, told.append))) == 2
    assert "line 2: expected a decision" in told[0]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("workflow", "name"), "", "expected a name of a workflow, got ''"),
        (("workflow", "prep_id"), ["x"], "expected text as prep_id"),
        (("workflow", "tasks", 0, 1), {"a": 1}, "expected text as the kind or splitting of"),
        (("workflow", "requested_at"), "0001-01-01T00:00:00+14:00", "is no moment in UTC"),
        (("errors", 0), [], "expected task, exit code, site and failed jobs, got []"),
        (("errors", 0, 3), -1, "expected task, exit code, site and failed jobs, got"),
        (("errors", 0, 3), 1e30, "expected task, exit code, site and failed jobs, got"),
        (("errors", 0, 1), 2**40, "expected task, exit code, site and failed jobs, got"),
        (("logs", 0, "text"), 1.5, "expected a log with its task"),
        (("logs", 0, "count"), 1e30, "expected a log with its task"),
    ],
)
def test_a_line_that_is_no_decision_is_named_and_the_others_are_read(tmp_path, place, value, words):
    lines = [plain_decision(one) for one in contract_history(2)]
    part = lines[0]["case"]
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    path, told = written(tmp_path, "\n".join(map(json.dumps, lines)), "h.jsonl"), []

    assert [one.action.id for one in read_history(path, told.append)] == [lines[1]["action"]["id"]]
    assert "line 1: " in told[0]
    assert words in told[0]


def test_halves_of_characters_cost_their_own_workflow(tmp_path):
    entry = {**OLD[f"/{W2}/a"], "parameters": {"action": "acdc", "memory": "\ud83d"}}
    told = []

    assert len(list(read_history(written(tmp_path, {**OLD, f"/{W2}/a": entry}), told.append))) == 1
    assert "surrogates not allowed" in told[0]


def test_a_decision_that_stands_twice_in_a_file_is_kept_once(tmp_path):
    line = json.dumps(plain_decision(next(iter(contract_history(1)))))
    path = written(tmp_path, f"{line}\n{line}\n", "h.jsonl")

    assert take_over(Store.memory(), read_history(path), "olga") == (1, 1)


@pytest.mark.parametrize("name", ["h.json.gz", "h.jsonl.gz"])
@pytest.mark.parametrize("damage", ["cut", "garbled"])
def test_a_packed_file_that_is_damaged_further_on_is_refused_in_words(tmp_path, name, damage):
    noise = [f"{number} {hash(number * 7919)}" for number in range(20_000)]
    lines = "\n".join(json.dumps(plain_decision(one)) for one in contract_history(300))
    whole = gzip.compress((lines if "jsonl" in name else json.dumps({**OLD, "noise": noise})).encode())
    middle = len(whole) // 2
    path = tmp_path / name
    path.write_bytes(whole[:middle] if damage == "cut" else whole[:middle] + b"\xff" * 500 + whole[middle + 500 :])

    with pytest.raises(WwtError, match=rf"{name}: can not be read: "):
        list(read_history(path))


def test_what_can_not_be_written_whole_is_not_written(tmp_path, monkeypatch):
    def parts(store):
        yield b"{"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "old_json", parts)
    with pytest.raises(WwtError, match=r"past\.json: can not be written: No space left on device"):
        write_history(tmp_path / "past.json", Store.memory())
    with pytest.raises(WwtError, match=r"past\.json: can not be written: No such file or directory"):
        write_history(tmp_path / "nowhere" / "past.json", Store.memory())

    assert list(tmp_path.iterdir()) == []


def test_it_is_told_how_far_back_decisions_enough_are_and_most_of_few_are_left_to_learn_from():
    store = Store.memory()
    decisions = contract_history(10).decisions
    assert ledger.newest_decided(store, [ActionState.DONE], 3) is None
    take_over(store, decisions, "olga")

    assert ledger.newest_decided(store, [ActionState.DONE], 3) == decisions[-3].decided_at
    assert ledger.newest_decided(store, [ActionState.DONE], 100) == decisions[-4].decided_at  # a third of ten
    assert ledger.newest_decided(store, [ActionState.FAILED], 3) is None
