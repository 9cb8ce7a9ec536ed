"""Message templates: what is alike is one, whatever stands in it, in whatever order it came, after restarts too."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wwt_framework.testing import TemplateContract
from wwt_framework.testing.running import running
from wwt_plugins.clustering.log_templates.masking import Mask, mask, message_of
from wwt_plugins.clustering.log_templates.tree import Tree

PLUGIN = "clustering.log_templates"
DATA = Path(os.environ.get("WWT_TEST_DATA", "/nonexistent")) / "logs"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="$WWT_TEST_DATA is not set: no real logs here")

#: Words as logs have them, hostile ones among them.
WORDS = st.sampled_from(
    ["error", "in", "file", "/store/a.root", "/store/b.root", "T2_CH_CERN", "8028", "0xff", "<*>", "\0", "\u202e", "ü"]
)
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=40), max_size=12, unique=True)


class TestLogTemplates(TemplateContract):
    plugin = PLUGIN


@pytest.mark.parametrize(
    ("word", "masked", "values"),
    [
        ("file=/store/data/a.root,", "file=<file>,", ("/store/data/a.root",)),
        ("'root://cms.example.org//store/a.root'", "'<address>'", ("root://cms.example.org//store/a.root",)),
        ("T2_US_Purdue,", "<site>,", ("T2_US_Purdue",)),
        ("vocms008.cern.ch:1094", "<host>", ("vocms008.cern.ch:1094",)),
        ("2019-06-24T12:00:01Z", "<time>", ("2019-06-24T12:00:01Z",)),
        ("04-Apr-2018", "<time>", ("04-Apr-2018",)),
        ("98FA9531-01B1-E711-85F5-0025904C7E04", "<id>", ("98FA9531-01B1-E711-85F5-0025904C7E04",)),
        ("0x7fff2a", "<id>", ("0x7fff2a",)),
        ("code=206)", "code=<number>)", ("206",)),
        ("12,13:14", "<number>", ("12,13:14",)),
        ("ana@example.org", "<mail>", ("ana@example.org",)),
        ("stageOut1", "stageOut1", ()),
        ("libFWCore.so", "libFWCore.so", ()),
        ("'FallbackFileOpenError'", "'FallbackFileOpenError'", ()),
        ("x" * 500, "<*>", ("x" * 500,)),
    ],
)
def test_what_changes_from_job_to_job_is_taken_out_of_a_word(word, masked, values):
    assert mask(word) == (masked, values)


def test_message_of_a_long_text_is_its_key_lines():
    text = "begin\nAn exception of category 'FileReadError' occurred\nnoise\nException Message:\nno route\nend"

    assert message_of(text) == "An exception of category 'FileReadError' occurred no route"


def test_values_stand_in_the_order_of_the_places(wwt_plugin):
    told = wwt_plugin(PLUGIN).ask("mine_templates", texts=["open /store/a.root at T1_US_FNAL failed with 3"])

    assert told.templates[0].text == "open <file> at <site> failed with <number>"
    assert told.values == (("/store/a.root", "T1_US_FNAL", "3"),)


def test_word_that_is_of_no_kind_becomes_a_place_when_it_differs(wwt_plugin):
    told = wwt_plugin(PLUGIN).ask(
        "mine_templates", texts=["input is corrupt in branch red", "input is corrupt in branch blue"]
    )

    assert [one.text for one in told.templates] == ["input is corrupt in branch <*>"]
    assert told.values == (("red",), ("blue",))


@given(TEXTS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_order_of_texts_does_not_change_their_templates(tmp_path_factory, texts, random):
    shuffled = random.sample(texts, len(texts))

    first, second = (_mine(tmp_path_factory.mktemp("mined"), some) for some in (texts, shuffled))

    assert first == second


@pytest.mark.slow
@given(TEXTS, TEXTS)
@settings(deadline=None, max_examples=60)
def test_text_keeps_its_template_over_restarts_and_other_texts(tmp_path_factory, texts, more):
    folder = tmp_path_factory.mktemp("mined")
    before = _mine(folder, texts)

    after = _mine(folder, [*more, *(text for text in texts if text not in more)])

    assert {text: after[text] for text in texts} == before


def test_remembered_templates_are_limited_and_the_longest_unseen_are_forgotten():
    tree = Tree(10)
    for number in range(30):
        tree.round = number
        tree.add((f"word{chr(97 + number)}", "same", "end"))
        tree = tree.shrunk()

    assert [one.seen for one in tree.grown.values()] == list(range(20, 30))
    assert len(tree.known) <= 40


def test_file_that_can_not_be_read_is_told_and_ids_come_back_as_they_were(tmp_path, wwt_plugin, caplog):
    texts = ["open /store/a.root failed", "out of memory"]
    before = wwt_plugin(PLUGIN).ask("mine_templates", texts=texts)
    file = next(tmp_path.rglob("templates.json"))
    file.write_bytes(file.read_bytes()[:20])

    again = wwt_plugin(PLUGIN)

    assert not again.ask("report_health").ok
    assert again.ask("mine_templates", texts=texts).of == before.of
    assert "templates can not be read and begin anew" in caplog.text
    assert again.ask("report_health").ok


def test_one_megabyte_line_is_cut_and_answered(wwt_plugin):
    told = wwt_plugin(PLUGIN).ask("mine_templates", texts=["1." * 500_000, "a " * 500_000, "/x" * 500_000])

    assert all(told.of)
    assert max(len(one.text) for one in told.templates) <= 3_000


# -- real logs -----------------------------------------------------------------


def _mine(folder: Path, texts: Sequence[str]) -> dict[str, str]:
    it = running(PLUGIN, {}, folder)
    try:
        return dict(zip(texts, it.ask("mine_templates", texts=texts).of, strict=True))
    finally:
        it.stop()


def loghub() -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, lines, and the event that people say each is of, for every set that is there."""
    for path in sorted((DATA / "loghub").glob("*_structured.csv.gz")):
        with gzip.open(path) as file:
            rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8", "replace", newline="")))
        yield path.name.partition("_")[0], [row["Content"] for row in rows], [row["EventId"] for row in rows]


def grouping_accuracy(truth: Sequence[str], found: Sequence[str]) -> float:
    """The share of lines whose group is exactly the group that people made: J. Zhu et al., ICSE 2019."""
    groups: dict[int, defaultdict[str, list[int]]] = {0: defaultdict(list), 1: defaultdict(list)}
    for i, pair in enumerate(zip(truth, found, strict=True)):
        for side, name in enumerate(pair):
            groups[side][name].append(i)
    right = {tuple(lines) for lines in groups[0].values()}
    return sum(len(lines) for lines in groups[1].values() if tuple(lines) in right) / len(truth)


@needs_data
def test_groups_of_eight_known_logs_are_those_that_people_made(tmp_path):
    accuracy = {}
    for name, lines, truth in loghub():
        (tmp_path / name).mkdir()
        of = _mine(tmp_path / name, list(dict.fromkeys(lines)))
        accuracy[name] = grouping_accuracy(truth, [of[line] for line in lines])

    assert len(accuracy) == 8
    assert sum(accuracy.values()) / 8 >= 0.78, accuracy
    assert min(accuracy.values()) >= 0.6, accuracy


@needs_data
def test_real_cms_and_atlas_messages_come_down_to_few_templates(tmp_path):
    with gzip.open(DATA / "error-log-clustering_errors.txt.gz", "rt") as file:
        atlas = list(dict.fromkeys(file.read().splitlines()))
    with gzip.open(DATA / "cms_error_descriptions_190624.csv.gz", "rt", newline="") as file:
        cms = list(dict.fromkeys(row["description"] for row in csv.DictReader(file)))

    templates = len(set(_mine(tmp_path, [*atlas, *cms]).values()))

    assert len(atlas) + len(cms) > 7_500
    assert templates < 900


def test_masked_words_are_remembered_and_forgotten_without_a_difference(monkeypatch):
    monkeypatch.setattr("wwt_plugins.clustering.log_templates.masking._REMEMBERED", 3)
    text = "a 1 b 2 c 3 a 1 b 2 c 3"

    assert Mask().words(text) == [mask(word) for word in text.split()]
