"""What json_file makes of files and answers that are broken, huge, or meant to do harm."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
import zlib
from pathlib import Path

import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wwt_framework.errors import PluginError, SourceError
from wwt_plugins.errors.json_file import read_json

GOOD = b'{"/wf/task": {"85": {"T1_US_FNAL": 3}}}'
URL = "https://example.org/all_errors.json"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "all_errors.json"


def load(wwt_plugin, path, **options):
    return wwt_plugin("errors.json_file", path=str(path), **options).ask("load_errors", names=None)


def refusal(wwt_plugin, path, **options):
    """The sentence with which the source is refused, without its folder."""
    with pytest.raises(SourceError) as refused:
        load(wwt_plugin, path, **options)
    return str(refused.value).replace(f"{path.parent}/", "") if isinstance(path, Path) else str(refused.value)


# -- files --


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "all_errors.json is empty; expected JSON"),
        (b" \n\t", "all_errors.json is empty; expected JSON"),
        (b"\xef\xbb\xbf", "all_errors.json is empty; expected JSON"),
        (GOOD[:-1], "all_errors.json ends too early, after 38 bytes; it may be half-written"),
        (GOOD[:20], "all_errors.json ends too early, after 20 bytes; it may be half-written"),
        (GOOD[:5], "all_errors.json ends too early, after 5 bytes; it may be half-written"),
        (GOOD.decode().encode("utf-16"), "all_errors.json is UTF-16 or binary; expected JSON in UTF-8"),
        (GOOD.decode().encode("utf-16-be"), "all_errors.json is UTF-16 or binary; expected JSON in UTF-8"),
        (GOOD.decode().encode("utf-32"), "all_errors.json is UTF-16 or binary; expected JSON in UTF-8"),
        (b"\0\0\0\0", "all_errors.json is UTF-16 or binary; expected JSON in UTF-8"),
        (b"\n<!doctype html>", "all_errors.json holds a page of HTML or XML, perhaps of a sign-in; expected JSON"),
    ],
)
def test_file_that_is_no_json_is_refused_in_words(wwt_plugin, file, content, sentence):
    file.write_bytes(content)

    assert refusal(wwt_plugin, file) == sentence


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (GOOD + b"x", "line 1, column 40"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a":\n\n x}', "line 3, column 2"),
        (b'{"a": 1 2}', "line 1, column 9"),
    ],
)
def test_place_of_a_mistake_is_told(wwt_plugin, file, content, place):
    file.write_bytes(content)

    sentence = refusal(wwt_plugin, file)

    assert sentence.startswith("all_errors.json is not JSON: ")
    assert sentence.endswith(f" at {place}")


def test_bytes_that_are_not_utf8_are_refused(wwt_plugin, file):
    file.write_bytes(b'{"/wf/t\xff": {}}')

    assert refusal(wwt_plugin, file).startswith("all_errors.json is not JSON: str is not valid UTF-8")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"[]", "a list of 0"),
        (b"null", "null"),
        (b"3", "3"),
        (b'"x"', "'x'"),
        (b"true", "true"),
        (b"[1, 2]", "a list of 2"),
    ],
)
def test_file_that_holds_something_else_is_refused_in_words(wwt_plugin, file, content, what):
    file.write_bytes(content)

    assert refusal(wwt_plugin, file).startswith(f"all_errors.json holds {what}; expected {{task: {{exit code:")


def test_mark_that_editors_put_in_front_is_ignored(wwt_plugin, file):
    file.write_bytes(b"\xef\xbb\xbf" + GOOD)

    assert len(load(wwt_plugin, file)) == 1


@pytest.mark.parametrize("open_bracket", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [900, 1100, 100_000])
def test_deep_nesting_is_refused_and_does_not_crash(wwt_plugin, file, open_bracket, depth):
    close = b"]" if open_bracket == b"[" else b"}"
    file.write_bytes(open_bracket * depth + b"1" + close * depth)

    assert refusal(wwt_plugin, file)


def test_deep_nesting_in_one_cell_is_named(wwt_plugin, file):
    file.write_bytes(b'{"/wf/task": {"85": {"A": %s, "B": 1}}}' % (b"[" * 500 + b"]" * 500))

    columns = load(wwt_plugin, file)

    assert [r.path for r in columns.rejected] == ["/wf/task > 85 > A"]


@pytest.mark.parametrize("place", ["task", "code", "site", "count"])
def test_string_of_10_mb_is_named_in_short(wwt_plugin, file, place):
    huge = "x" * 10_000_000
    document = {
        "task": {f"/wf/{huge}": {"85": {"A": 1}}},
        "code": {"/wf/task": {"9" * 10_000_000: {"A": 1}}},
        "site": {"/wf/task": {"85": {huge: 1}}},
        "count": {"/wf/task": {"85": {"A": huge}}},
    }[place]
    file.write_text(json.dumps({**document, "/wf/good": {"85": {"A": 1}}}))

    columns = load(wwt_plugin, file)

    assert len(columns) == 1
    assert len(columns.rejected) == 1
    assert len(columns.rejected[0].path) + len(columns.rejected[0].why) < 1000


def test_folder_is_refused(wwt_plugin, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()

    assert refusal(wwt_plugin, folder) == "folder is a folder; expected a file"


def test_pipe_is_refused_and_not_waited_for(wwt_plugin, file):
    os.mkfifo(file)

    assert refusal(wwt_plugin, file) == "all_errors.json is no plain file; expected a file"


def test_file_that_is_gone_is_refused(wwt_plugin, file):
    assert refusal(wwt_plugin, file) == "all_errors.json can not be read: No such file or directory"


def test_file_that_may_not_be_read_is_refused(wwt_plugin, file):
    file.write_bytes(GOOD)
    plugin = wwt_plugin("errors.json_file", path=str(file))
    file.chmod(0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)  # root may read everything, nobody may not
    try:
        with pytest.raises(SourceError, match="can not be read: Permission denied"):
            plugin.ask("load_errors", names=None)
    finally:
        os.seteuid(me)


def test_file_larger_than_allowed_is_refused_unread(wwt_plugin, file):
    with file.open("wb") as sparse:
        sparse.truncate(50 << 30)

    assert refusal(wwt_plugin, file, max_mb=1) == (
        "all_errors.json has 5.12e+04 MB, more than the 1 MB that max_mb allows"
    )


def test_file_that_grows_while_it_is_read_is_refused(wwt_plugin, file, monkeypatch):
    file.write_bytes(GOOD)
    plugin = wwt_plugin("errors.json_file", path=str(file))
    fstat = os.fstat

    def fstat_and_grow(descriptor):
        status = fstat(descriptor)
        with file.open("ab") as other:
            other.write(b" ")
        return status

    monkeypatch.setattr("wwt_plugins._cms.reading.os.fstat", fstat_and_grow)

    with pytest.raises(SourceError, match="changes while it is being read; expected a file that is complete"):
        plugin.ask("load_errors", names=None)


def test_file_that_is_replaced_whole_is_read_again(wwt_plugin, file):
    file.write_bytes(GOOD)
    plugin = wwt_plugin("errors.json_file", path=str(file))
    plugin.ask("list_workflows")
    new = file.with_suffix(".new")
    new.write_bytes(b'{"/new/task": {"85": {"A": 7}}}')
    new.replace(file)

    assert list(plugin.ask("load_errors", names=None).tasks) == ["/new/task"]


def test_what_was_listed_is_what_is_loaded(wwt_plugin, file):
    file.write_bytes(GOOD)
    plugin = wwt_plugin("errors.json_file", path=str(file))
    plugin.ask("list_workflows")
    first = plugin.ask("load_errors", names=None)

    assert list(first.tasks) == list(plugin.ask("load_errors", names=None).tasks)


# -- gzip --


def test_gzip_of_several_members_is_read_as_one(wwt_plugin, file):
    file.write_bytes(gzip.compress(GOOD[:10]) + gzip.compress(GOOD[10:]) + b"\0" * 512)

    assert len(load(wwt_plugin, file)) == 1


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda packed: packed[:-10], "all_errors.json is gzip that ends too early"),
        (lambda packed: packed[:3], "all_errors.json is gzip that ends too early"),
        (lambda packed: packed[:12] + b"\xff" * 9 + packed[21:], "all_errors.json is damaged gzip"),
        (lambda packed: packed + b"rubbish", "all_errors.json is damaged gzip"),
        (lambda packed: packed[:-8] + b"\0" * 8, "all_errors.json is damaged gzip"),
    ],
)
def test_gzip_that_is_damaged_is_refused(wwt_plugin, file, damage, sentence):
    file.write_bytes(damage(gzip.compress(GOOD * 1)))

    assert refusal(wwt_plugin, file).startswith(sentence)


def test_gzip_bomb_is_refused_before_it_has_grown(wwt_plugin, file):
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    file.write_bytes(packed)
    tracemalloc.start()
    try:
        sentence = refusal(wwt_plugin, file, max_mb=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert sentence == "all_errors.json unpacks to more than 2 MB, the most that max_mb allows"
    assert peak < 20 << 20


# -- addresses --


@responses.activate
def test_address_is_read(wwt_plugin):
    responses.get(URL, body=gzip.compress(GOOD))

    assert len(load(wwt_plugin, URL)) == 1


@responses.activate
def test_address_is_asked_once_for_names_and_errors(wwt_plugin):
    responses.get(URL, body=GOOD)
    plugin = wwt_plugin("errors.json_file", path=URL)
    plugin.ask("list_workflows")
    plugin.ask("load_errors", names=None)

    assert len(responses.calls) == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": 500}, f"{URL} answered 500 Internal Server Error; expected 200 OK"),
        ({"status": 404}, f"{URL} answered 404 Not Found; expected 200 OK"),
        ({"status": 204}, f"{URL} answered 204 No Content; expected 200 OK"),
        ({"body": b"<html>sign in"}, f"{URL} holds a page of HTML or XML, perhaps of a sign-in; expected JSON"),
        ({"body": b""}, f"{URL} is empty; expected JSON"),
        ({"body": b"x" * 2_000_000}, f"{URL} answers more than 1 MB, the most that max_mb allows"),
        ({"body": requests.ConnectTimeout()}, f"{URL}: did not answer in time"),
        (
            {"body": requests.exceptions.SSLError("certificate of secret")},
            f"{URL}: the server's certificate is not trusted, or it asks for another one of ours",
        ),
        (
            {"body": requests.ConnectionError("https://user:secret@example.org")},
            f"{URL}: no connection, or it broke before everything had arrived",
        ),
        (
            {"body": GOOD, "headers": {"Content-Length": "99999999"}},
            f"{URL} has 95.37 MB, more than the 1 MB that max_mb allows",
        ),
    ],
)
@responses.activate
def test_address_that_does_not_give_errors_is_refused_in_words(wwt_plugin, answer, sentence):
    responses.get(URL, **answer, auto_calculate_content_length=False)

    assert refusal(wwt_plugin, URL, max_mb=1) == sentence


@responses.activate
def test_password_in_an_address_is_in_no_message_and_no_log(wwt_plugin, caplog):
    sentence = refusal(wwt_plugin, "https://ana:secret@example.org/all_errors.json?token=secret")

    assert sentence == f"{URL}: no connection, or it broke before everything had arrived"
    assert "secret" not in caplog.text


@pytest.mark.parametrize("path", ["ftp://example.org/x", "file:///etc/passwd", "sqlite:////var/x.db"])
def test_address_that_is_not_http_is_refused_at_start(wwt_plugin, path):
    with pytest.raises(PluginError, match="expected a path, or an address that begins with http:// or https://"):
        wwt_plugin("errors.json_file", path=path)


# -- health --


def test_health_says_that_the_file_can_be_read(wwt_plugin, file):
    file.write_bytes(GOOD)

    assert wwt_plugin("errors.json_file", path=str(file)).ask("report_health").ok


def test_health_says_what_is_wrong(wwt_plugin, file):
    health = wwt_plugin("errors.json_file", path=str(file)).ask("report_health")

    assert (health.ok, health.text) == (False, f"{file} can not be read: No such file or directory")


def test_health_of_an_empty_file_is_not_good(wwt_plugin, file):
    file.touch()

    assert not wwt_plugin("errors.json_file", path=str(file)).ask("report_health").ok


# -- anything at all --

thorough = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@thorough
@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer_or_a_sentence(data):
    _answer_or_sentence(data)


@thorough
@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_damage_to_a_good_file_gives_an_answer_or_a_sentence(damage, at):
    _answer_or_sentence(GOOD[:at] + damage + GOOD[at + len(damage) :])


@thorough
@given(json_values)
def test_any_json_gives_an_answer_or_a_sentence(value):
    _answer_or_sentence(json.dumps(value).encode())


def _answer_or_sentence(data):
    try:
        columns = read_json(data, "x").errors
    except SourceError:
        return  # as it should be; anything else fails the test
    assert columns is None or len(columns.task) == len(columns.code) == len(columns.site) == len(columns.count)


paths = st.sampled_from(["/a/t", "/a/t/u", "/b/t", "/b/LogCollect", "/c/XCleanupY/z", "a/t", "/c", "/d:x/t"])
codes = st.sampled_from(["85", "085", "8028", "NotReported", "-1", "0", "word", "12345678901"])
sites = st.sampled_from(["A", "B", "C:D", ""])
counts = st.sampled_from([0, 1, 5, "3", "x", 2.0, 1.5, -1, None, True, [], {}, float("nan"), 2**40])
documents = st.dictionaries(
    paths,
    st.dictionaries(codes, st.dictionaries(sites, counts, max_size=3) | st.sampled_from([None, 3, []]), max_size=3)
    | st.sampled_from([None, "x"]),
    max_size=5,
)


@thorough
@given(documents)
def test_almost_good_files_are_read_as_the_rules_say_them_one_by_one(document):
    expected, faulty, named = _by_the_rules(document)
    if not named and faulty:
        with pytest.raises(SourceError):
            read_json(json.dumps(document).encode(), "x")
        return
    found = read_json(json.dumps(document).encode(), "x")

    e = found.errors
    rows = zip(e.task, e.code, e.site, e.count, strict=True)
    assert {(e.tasks[t], e.codes[c], e.sites[s]): n for t, c, s, n in rows} == expected
    assert {r.path for r in e.rejected} == faulty
    assert {w.name for w in found.workflows} == named
    assert len(set(e.codes)) == len(e.codes)


def _by_the_rules(document):  # noqa: C901  # flat on purpose: an oracle one can read
    """The cells, the paths of faults, and the workflows: written plainly, cell by cell."""
    good, faulty, named = {}, set(), set()
    for path, by_code in document.items():
        parts = path.split("/")
        if len(parts) < 3 or parts[0]:
            faulty.add(path)
            continue
        named.add(parts[1])
        if not isinstance(by_code, dict):
            faulty.add(path)
            continue
        if "LogCollect" in path or "Cleanup" in path:
            continue
        for code, by_site in by_code.items():
            if code == "word":
                continue
            number = -1 if code == "NotReported" else int(code)
            if not isinstance(by_site, dict) or number > 10**9:
                faulty.add(f"{path} > {code}")
                continue
            for site, count in by_site.items():
                cell = (path, number, site)
                if not site or cell in good or type(count) not in (int, float, str) or count in ("x", 1.5, -1, 2**40):
                    faulty.add(f"{path} > {code} > {site}" if site else f"{path} > {code} > ''")
                elif count != count:  # noqa: PLR0124  # NaN
                    faulty.add(f"{path} > {code} > {site}")
                else:
                    good[cell] = int(count) or (number == -1)
    return {cell: n for cell, n in good.items() if n}, faulty, named
