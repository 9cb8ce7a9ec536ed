"""What a miner tells of the logs is in the snapshot; what it can not tell is missing, and said."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from wwt_framework import snapshot, snapshot_templates
from wwt_framework.model import LogExcerpt, Mined, Template, Workflow

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
LOGS = [
    ("wf_b", LogExcerpt("/wf_b/t", 85, "T1_US_FNAL", text="could not open a", count=3)),
    ("wf_a", LogExcerpt("/wf_a/t", 85, "T1_US_FNAL", text="could not open b", count=4)),
    ("wf_a", LogExcerpt("/wf_a/t", 85, "T2_CH_CERN", text="could not open a", count=5)),
    ("wf_a", LogExcerpt("/wf_a/t", 86, "T2_CH_CERN", text="killed", count=6)),
    ("wf_a", LogExcerpt("/wf_a/t", 87, "T2_CH_CERN", text="", count=7)),
]


def first_word(texts):
    of = tuple(text.split()[0] for text in texts)
    return Mined(
        of, tuple(Template(id_, f"{id_} <*>") for id_ in sorted(set(of))), tuple((text[-1:],) for text in texts)
    )


@pytest.fixture
def opened(tmp_path):
    def write(mine, logs=LOGS):
        parts = snapshot.SnapshotParts("v", NOON, [Workflow("wf_a"), Workflow("wf_b")], logs=logs)
        snapshot.write(tmp_path, parts, mine)
        return snapshot.open_snapshot(tmp_path)

    return write


def test_templates_are_counted_in_jobs_for_every_workflow(opened):
    found = opened(first_word).log_templates()

    assert found.ids == ("could", "killed")
    assert found.texts == {"could": "could <*>", "killed": "killed <*>"}
    assert list(zip(found.workflow.tolist(), found.template.tolist(), found.count.tolist(), strict=True)) == [
        (0, 0, 9), (0, 1, 6), (1, 0, 3),
    ]  # fmt: skip


def test_excerpts_know_their_template_and_values(opened):
    logs = opened(first_word).logs("wf_a", 85)

    assert [(log.site, log.template, log.values) for log in logs] == [
        ("T1_US_FNAL", "could", ("b",)), ("T2_CH_CERN", "could", ("a",)),
    ]  # fmt: skip


def test_text_without_a_word_is_not_asked_about(opened):
    asked = []

    opened(lambda texts: asked.extend(texts) or first_word(texts))

    assert sorted(asked) == ["could not open a", "could not open b", "killed"]


def test_house_without_a_miner_has_no_templates(opened):
    taken = opened(snapshot_templates.nobody)

    assert taken.log_templates().ids == ()
    assert taken.detail.mining_trouble() == ""
    assert {log.template for log in taken.logs("wf_a")} == {""}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("clustering.x, mine_templates: no disk", "clustering.x, mine_templates: no disk"),
        (Mined(("a",)), "expected an answer for each of 3 texts, got 1"),
        (Mined(("a", "", "")), "a text is of the template 'a', which the answer does not tell"),
        (Mined(("../x", "", ""), (Template("../x"),)), "which can not be an id"),
    ],
)
def test_answer_that_can_not_be_taken_is_told_and_the_snapshot_is_whole(opened, answer, why):
    taken = opened(lambda _texts: answer)

    assert why in taken.detail.mining_trouble()
    assert taken.log_templates().ids == ()
    assert len(taken.logs("wf_a")) == 4


def test_batch_that_fails_costs_only_its_own_texts(opened, monkeypatch):
    monkeypatch.setattr(snapshot_templates, "BATCH", 1)

    taken = opened(lambda texts: "broken" if texts == ["killed"] else first_word(texts))

    assert taken.detail.mining_trouble() == "broken"
    assert taken.log_templates().ids == ("could",)


def test_empty_snapshot_has_no_templates():
    assert snapshot.Snapshot.empty().log_templates().ids == ()


def test_o7_commonest_messages_of_codes_and_sites_are_at_hand(opened):
    taken = opened(first_word)

    assert taken.samples("code", "85") == (("could <*>", 12),)
    assert taken.samples("site", "T2_CH_CERN") == (("killed <*>", 6), ("could <*>", 5))
    assert taken.samples("code", "87") == ()
    assert snapshot.Snapshot.empty().samples("code", "85") == ()


def test_o7_without_templates_a_key_line_stands_for_a_text(opened):
    logs = [("wf_a", LogExcerpt("/wf_a/t", 85, "S", text=f"nothing\nJob was killed {'x' * 300}\nend", count=2))]

    ((text, count),) = opened(snapshot_templates.nobody, logs).samples("code", "85")

    assert (text[:16], len(text), text[-1], count) == ("Job was killed x", 160, "…", 2)


def test_o7_three_messages_are_enough(opened):
    logs = [("wf_a", LogExcerpt("/wf_a/t", 85, "S", text=f"{word} it", count=i)) for i, word in enumerate("abcde", 1)]

    assert [text for text, _ in opened(first_word, logs).samples("code", "85")] == ["e <*>", "d <*>", "c <*>"]
