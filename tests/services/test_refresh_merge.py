"""The columns of a refresh against plain dictionaries."""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.cube import ErrorColumns, ErrorCube
from wwt_framework.model import ErrorCount, Rejected
from wwt_framework.services.intake_errors import counted
from wwt_framework.services.merge import (
    KEPT,
    LOWER,
    SILENT,
    TORN,
    SourceErrors,
    answered,
    combined,
    exchanged,
    joined,
    silent,
    with_last_good,
)  # fmt: skip
from wwt_framework.snapshot import STATE_WORDS

WORKFLOWS = ("a", "a-1", "a.2", "b", "ä")
TASKS = [f"/{w}/{t}" for w in WORKFLOWS for t in ("one", "two", "one/LogCollectForOne")]
EARLIER = datetime(2026, 11, 23, 11, 45, tzinfo=timezone.utc)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)

#: (task, code, site) -> count, as a source counts; -1 may be zero.
Counts = dict[tuple[str, int, str], int]

cells = st.dictionaries(
    st.tuples(st.sampled_from(TASKS), st.sampled_from([-1, 85, 8028]), st.sampled_from(["T1_US_FNAL", "T2_CH_CERN"])),
    st.integers(0, 50),
    max_size=25,
)
names = st.sets(st.sampled_from(WORKFLOWS))


def columns(counts: Counts) -> ErrorColumns:
    return ErrorColumns.of(ErrorCount(task, code, site, count) for (task, code, site), count in counts.items())


def word(counts: Counts, also: set[str] = frozenset(), at: datetime = NOW) -> SourceErrors:  # type: ignore[assignment]
    return answered(counted(columns(counts)).cells, also, at)


def counts_of(word_: SourceErrors) -> Counts:
    c = word_.cells
    rows = zip(c.task.tolist(), c.code.tolist(), c.site.tolist(), c.count.tolist(), strict=True)
    return {(c.tasks[t], int(c.codes[k]), c.sites[s]): n for t, k, s, n in rows}


def flags_of(word_: SourceErrors) -> dict[str, int]:
    return dict(zip(word_.workflows, word_.flags.tolist(), strict=True))


# -- the same by hand ---------------------------------------------------------


def owner(task: str) -> str:
    return task.split("/")[1]


def by_the_rules(counts: Counts) -> Counts:
    kept = {key: max(1, n) if key[1] == -1 else n for key, n in counts.items() if "LogCollect" not in key[0]}
    return {key: n for key, n in kept.items() if n > 0}


def check(word_: SourceErrors) -> None:
    """What must hold for every word."""
    assert list(word_.workflows) == sorted(set(word_.workflows))
    assert len(word_.at) == len(word_.flags) == len(word_.workflows)
    owners = [word_.workflows[i] for i in word_.task_workflow.tolist()]
    assert owners == [owner(task) for task in word_.cells.tasks]


@given(cells)
def test_counting_follows_the_rules(counts: Counts) -> None:
    assert counts_of(word(counts)) == by_the_rules(counts)


@given(cells, names)
def test_a_word_knows_every_workflow_it_names(counts: Counts, also: set[str]) -> None:
    made = word(counts, also)

    check(made)
    tasks = {task for task, _, _ in counts if "LogCollect" not in task}
    assert set(made.workflows) == {owner(task) for task in tasks} | also


@given(cells, names, names)
def test_a_word_on_some_workflows_is_that_part_of_it(counts: Counts, also: set[str], wanted: set[str]) -> None:
    part = word(counts, also).only(wanted)

    check(part)
    assert counts_of(part) == {key: n for key, n in by_the_rules(counts).items() if owner(key[0]) in wanted}


@given(cells, names)
def test_a_word_cut_in_two_and_joined_is_the_same(counts: Counts, wanted: set[str]) -> None:
    whole = word(counts, set(WORKFLOWS))
    again = joined(whole.only(wanted), whole.without(wanted))

    check(again)
    assert (again.workflows, counts_of(again)) == (whole.workflows, counts_of(whole))


@given(cells, cells, names, names)
def test_unread_workflows_are_as_they_last_were(new: Counts, old: Counts, known: set[str], unread: set[str]) -> None:
    earlier = word(old, known, EARLIER)
    made = with_last_good(word(new), earlier, dict.fromkeys(unread, "why"))

    check(made)
    last, now = by_the_rules(old), by_the_rules(new)
    stands_in = unread & set(earlier.workflows)
    expected = {key: n for key, n in now.items() if owner(key[0]) not in stands_in}
    expected |= {key: n for key, n in last.items() if owner(key[0]) in stands_in}
    assert counts_of(made) == expected
    flags = flags_of(made)
    assert {w for w, f in flags.items() if f & KEPT} == stands_in
    scraps = {owner(key[0]) for key in now} & (unread - stands_in)
    assert {w for w, f in flags.items() if f & TORN} == scraps
    assert {w for w, f in flags.items() if f & SILENT} == unread - stands_in - scraps
    at = dict(zip(made.workflows, made.at.tolist(), strict=True))
    assert {at[w] for w in stands_in} <= {int(EARLIER.timestamp())}


@given(cells, cells, names)
def test_an_exchange_touches_only_the_workflows_asked_for(new: Counts, old: Counts, asked: set[str]) -> None:
    made = exchanged(word(old, at=EARLIER), word(new), asked)

    check(made)
    expected = {key: n for key, n in by_the_rules(old).items() if owner(key[0]) not in asked}
    expected |= {key: n for key, n in by_the_rules(new).items() if owner(key[0]) in asked}
    assert counts_of(made) == expected


@given(st.lists(cells, max_size=3))
def test_the_first_source_of_each_cell_wins(several: list[Counts]) -> None:
    all_words = [(f"errors.s{i}", word(counts)) for i, counts in enumerate(several)]
    cube = ErrorCube.build((), combined(all_words).cells.columns())

    expected: Counts = {}
    for counts in several:
        for key, n in by_the_rules(counts).items():
            expected.setdefault(key, n)
    found = {(e.task, e.exit_code, e.site): e.count for i in range(len(cube.workflows)) for e in cube.table(i)}
    assert found == expected


def test_how_far_counts_of_several_sources_can_be_trusted() -> None:
    one = {w: word({}, {w}) for w in ("fresh", "kept", "lower", "half", "never")}
    first = joined(
        one["fresh"],
        one["kept"].kept(),
        answered(counted(columns({})).cells, (), NOW, {"lower": "not all"}),
        one["half"],
    )
    second = joined(silent({"half": "timed out", "never": "timed out"}), one["fresh"])

    made = combined([("errors.one", first), ("errors.two", second)])

    assert dict(zip(made.workflows, (STATE_WORDS[s] for s in made.state.tolist()), strict=True)) == {
        "fresh": "ok", "kept": "old", "lower": "partial", "half": "partial", "never": "unknown",
    }  # fmt: skip
    assert made.notes["half"] == [("errors.two", "timed out")]


def test_the_oldest_answer_says_of_when_counts_are() -> None:
    made = combined([("errors.one", word({}, {"a"})), ("errors.two", word({}, {"a"}, EARLIER))])

    assert made.at.tolist() == [int(EARLIER.timestamp())]


def test_a_lower_bound_is_good_enough_to_stand_in() -> None:
    old = answered(counted(columns({("/a/one", 85, "s"): 1})).cells, (), EARLIER, {"a": "2 of 3 agents"})

    made = with_last_good(SourceErrors(), old, {"a": "broken"})

    assert flags_of(made) == {"a": LOWER | KEPT}


def test_rejected_paths_of_one_workflow_leave_the_first_reason() -> None:
    rejected = (Rejected("/a/x", "first", "a"), Rejected("/a/y", "second", "a"), Rejected("[3]", "nobody's"))
    told = counted(ErrorColumns.of((), rejected))

    assert told.unread == {"a": "/a/x: first"}
