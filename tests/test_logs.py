"""Logs are for machines and for people, and hostile text can not forge a line of them."""

from __future__ import annotations

import json
import logging
import sys

from wwt_framework.logs import JsonLines, Plain


def record(**fields):
    made = logging.makeLogRecord({"name": "x", "levelno": 30, "levelname": "WARNING", "msg": "a source is silent"})
    vars(made).update(fields)
    return made


def test_a_line_for_machines_is_one_json_object_with_its_fields():
    told = json.loads(JsonLines().format(record(plugin="errors.x", seconds=3)))

    assert (told["event"], told["level"], told["plugin"], told["seconds"]) == (
        "a source is silent",
        "WARNING",
        "errors.x",
        3,
    )


def test_a_line_for_people_shows_its_fields():
    assert Plain().format(record(plugin="errors.x")).endswith('warning: a source is silent plugin="errors.x"')


def test_text_from_outside_can_not_forge_a_line():
    forged = record(name_from_outside="x\n12:00:00 error: all is lost\x1b[31m")

    assert "\n" not in Plain().format(forged)
    assert "\x1b" not in Plain().format(forged)
    assert "\n" not in JsonLines().format(forged)


def test_what_was_raised_can_not_forge_a_line_or_command_a_terminal():
    try:
        raise ValueError("x\n12:00:00 error: all is lost\x1b[31m\r\u202e")
    except ValueError:
        lines = Plain().format(record(exc_info=sys.exc_info())).split("\n")

    assert all(line.isprintable() for line in lines)
    assert [line for line in lines if not line.startswith("    ")] == lines[:1]
