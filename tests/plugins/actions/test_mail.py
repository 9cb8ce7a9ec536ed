"""The plugin that mails what happened: gathered, once, and to everybody who can be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from wwt_framework.errors import PluginError
from wwt_framework.model import Action, ActionState
from wwt_framework.plugin import Event
from wwt_framework.testing.doors import MailInMemory, SentMail
from wwt_framework.testing.running import Running

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
TEAM, GERDA = "team@example.org", "gerda@example.org"
Make = Callable[..., Running]


def changed(workflow: str, state: ActionState = ActionState.QUEUED, user: str = "auto", number: int = 0) -> Event:
    action = Action(workflow, "acdc", workflow, {}, {}, (), user, state, NOON, NOON)
    told = f"acdc on {workflow} is {state.value} now"
    return Event("action_changed", told, action=action, id=f"action-event-{number}" if number else "")


def tell(it: Running, *events: Event) -> None:
    for event in events:
        it.ask("notify", event=event)


def digest(it: Running) -> str:
    (job,) = it.ask("register_jobs")
    return str(job.run(lambda *_: None))


def sent(it: Running) -> list[SentMail]:
    return it.doors.mail.sent


def test_e3_many_automatic_actions_are_one_mail_with_links_to_their_reports(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM, GERDA], users=["auto"])
    tell(it, changed("wf_A"), changed("wf B"), changed("wf_of_olga", user="olga"))

    assert digest(it) == "mailed: 2 action_changed"
    (mail,) = sent(it)
    assert (mail.to, mail.subject) == ((TEAM, GERDA), "2 changes of actions")
    assert mail.text == (
        "2 changes of actions: 2 workflows.\n\n"
        "acdc on wf_A is queued now\nhttps://wwt.example.org/seeworkflow?workflow=wf_A\n\n"
        "acdc on wf B is queued now\nhttps://wwt.example.org/seeworkflow?workflow=wf+B\n\n"
        "all of it: https://wwt.example.org/actions"
    )
    assert '<a href="https://wwt.example.org/seeworkflow?workflow=wf_A">wf_A</a>' in mail.html
    assert "olga" not in mail.text


def test_what_was_mailed_is_not_mailed_again(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM])
    tell(it, changed("wf_A", number=1))
    digest(it)
    tell(it, changed("wf_A", number=1))

    assert digest(it) == "nothing happened that is to be mailed"
    assert len(sent(it)) == 1


def test_each_kind_of_event_goes_to_its_own_people(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM], plugin_failed=[GERDA])
    tell(it, changed("wf_A"), Event("plugin_failed", "no answer\nfrom there", plugin="errors.json_file"))
    tell(it, Event("snapshot_taken", "12 workflows"))
    digest(it)

    assert [(mail.to, mail.subject) for mail in sent(it)] == [
        ((TEAM,), "1 action changed"),
        ((GERDA,), "A plugin failed"),
    ]
    assert "no answer from there\nhttps://wwt.example.org/plugins" in sent(it)[1].text


def test_only_the_states_asked_for_are_told_and_failures_are_counted(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM], states=["failed", "done"])
    tell(it, changed("a"), changed("b", ActionState.FAILED), changed("c", ActionState.DONE))
    digest(it)

    assert sent(it)[0].subject == "2 changes of actions, 1 failed"


class Picky(MailInMemory):
    """Takes no mail for the team."""

    def send(self, to: Any, *args: Any, **more: Any) -> str:
        if TEAM in to:
            raise PluginError("no mail for the team today")
        return super().send(to, *args, **more)


def test_who_can_not_be_told_does_not_keep_others_from_it_and_is_told_later(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM], plugin_failed=[GERDA])
    tell(it, changed("wf_A"), Event("plugin_failed", "no answer", plugin="errors.x"))
    whole, picky = it.plugin._context, Picky()
    it.plugin._context = type(whole)(**{**whole.__dict__, "mail": picky})

    with pytest.raises(PluginError, match="no mail for the team today"):
        digest(it)
    assert [mail.to for mail in picky.sent] == [(GERDA,)]
    it.plugin._context = whole
    assert digest(it) == "mailed: 1 action_changed"
    assert [mail.to for mail in sent(it)] == [(TEAM,)]


def test_after_a_crash_between_the_mail_and_the_note_of_it_nothing_is_told_twice_or_lost(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM])
    tell(it, changed("wf_A", number=1), changed("wf_B", number=2))
    forget, it.plugin._forget = it.plugin._forget, _die
    with pytest.raises(KeyboardInterrupt):
        digest(it)
    it.plugin._forget = forget
    tell(it, changed("wf_C", number=3))
    digest(it)

    assert [("wf_A" in m.text, "wf_B" in m.text, "wf_C" in m.text) for m in sent(it)] == [
        (True, True, False),
        (False, False, True),
    ]
    assert [key for key in it.doors.memories["extras.mail"] if key != "told"] == []


def _die(_keys: Any) -> None:
    raise KeyboardInterrupt


def test_while_no_mail_can_be_sent_what_waits_has_an_end_and_that_is_told(
    wwt_plugin: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wwt_plugins.actions.mail._KEPT", 3)
    it = wwt_plugin("extras.mail", action_changed=[TEAM])
    it.doors.mail.closed = "mail can not be sent"
    tell(it, *(changed(f"wf_{n}") for n in range(5)))
    with pytest.raises(PluginError, match="mail can not be sent"):
        digest(it)
    it.doors.mail.closed = ""
    digest(it)

    assert sent(it)[0].text.startswith(
        "3 changes of actions: 3 workflows. 2 earlier ones could not be mailed and are not listed.\n\nacdc on wf_2"
    )


def test_a_long_list_is_cut_and_says_where_the_rest_is(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM])
    tell(it, *(changed(f"wf_{n}") for n in range(203)))
    digest(it)

    assert sent(it)[0].text.endswith("and 3 more, at https://wwt.example.org/actions")


def test_what_comes_from_outside_is_text(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", plugin_failed=[GERDA])
    tell(it, Event("plugin_failed", "<img src=x>\r\nBcc: spy@example.org\x1b[31m", plugin='"><script>'))
    digest(it)

    (mail,) = sent(it)
    assert "<img" not in mail.html
    assert "<script" not in mail.html
    assert "\x1b" not in mail.text
    assert mail.subject == "A plugin failed"


def test_health_says_what_can_not_be_mailed(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM, GERDA], plugin_failed=[GERDA])
    well = it.ask("report_health")
    it.doors.mail.closed = "mail can not be sent, this installation has no mail server"
    ill = it.ask("report_health")

    assert (well.ok, well.text) == (True, "tells action_changed, plugin_failed to 2 recipients")
    told = "can not tell action_changed, plugin_failed to 2 recipients: mail can not be sent"
    assert (ill.ok, ill.text) == (False, f"{told}, this installation has no mail server")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "expected addresses under action_changed, plugin_failed, or both"),
        ({"action_changed": ["a@b.c, d@e.f"]}, "expected one address like olga@example.org"),
        ({"action_changed": ["a\r\nBcc: x@y.z"]}, "expected one address like olga@example.org"),
    ],
)
def test_options_that_tell_nobody_are_refused(wwt_plugin: Make, options: dict[str, Any], told: str) -> None:
    with pytest.raises(PluginError, match=told):
        wwt_plugin("extras.mail", **options)


def test_every_state_of_an_action_can_be_asked_for(wwt_plugin: Make) -> None:
    it = wwt_plugin("extras.mail", action_changed=[TEAM], states=[state.value for state in ActionState])
    tell(it, *(changed(state.value, state) for state in ActionState))

    assert digest(it) == "mailed: 6 action_changed"
