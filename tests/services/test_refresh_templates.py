"""A refresh asks which message templates the logs are of, and a miner that fails costs the templates only."""

from __future__ import annotations

from tests.services.refresh_house import House, columns, source
from wwt_framework.model import LogExcerpt, Mined, Template

ERRORS = columns(("/wf_a/t", 85, "T1_US_FNAL", 3))
LOG = LogExcerpt("/wf_a/t", 85, "T1_US_FNAL", text="could not open /store/a.root", count=3)
OPEN = Template("open", "could not open <file>")


def telling(**more):  # type: ignore[no-untyped-def]  # the answers of hooks
    return source(load_errors=ERRORS, fetch_logs=lambda _workflow, _codes: [LOG], **more)


def test_templates_of_a_refresh_are_in_its_snapshot(house: House) -> None:
    house.sources["one"] = telling(mine_templates=Mined(("open",), (OPEN,), (("/store/a.root",),)))

    found = house.refresh().log_templates()

    assert found.texts == {"open": "could not open <file>"}
    assert found.count.tolist() == [3]


def test_second_miner_is_asked_when_the_first_has_nothing_to_say(house: House) -> None:
    house.sources["one"] = telling(mine_templates=None)
    house.sources["two"] = source(mine_templates=Mined(("open",), (OPEN,)), list_workflows=[])

    assert house.refresh().log_templates().ids == ("open",)


def test_miner_that_fails_is_named_and_the_logs_are_there(house: House) -> None:
    house.sources["one"] = telling(mine_templates=RuntimeError("no disk"))

    taken = house.refresh()

    assert taken.log_templates().ids == ()
    assert taken.detail is not None
    assert taken.detail.mining_trouble() == "errors.one, mine_templates: RuntimeError: no disk"
    assert [log.text for log in taken.logs("wf_a")] == [LOG.text]
