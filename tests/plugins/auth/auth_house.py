"""An installation in this process with real auth plugins over a real store: its visitors, its mails, its jobs."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.web.house import Client, Got, Installation
from wwt_framework.options import MailOptions
from wwt_framework.plugin import PluginContext
from wwt_framework.services.doors import lend
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import ledger
from wwt_framework.store.ledger import Mail
from wwt_framework.web import wsgi
from wwt_plugins.auth.local import LocalAccounts

CHEAP = {"time_cost": 1, "memory_kib": 8, "parallelism": 1}
HOME = "https://wwt.example.org"
GOOD = "four unlikely words here"
WEBMASTER = "webmaster@example.org"


class AuthHouse:
    """Built plugin by plugin: ``house.add("auth.token", Tokens)``."""

    def __init__(self, folder: Path, mail: MailOptions | None, others: dict[str, object] | None = None) -> None:
        more: dict[str, Any] = {"webmaster": {"name": "Wanda", "email": WEBMASTER}}
        self.app = Installation(folder, Snapshot.empty(), others or {}, mail=mail, **more)
        self._wsgi: Any = None
        self.home = HOME

    def add(self, name: str, plugin: Any, **options: Any) -> Any:
        """Make *plugin* with the doors that the house lends it."""
        nothing: Any = SimpleNamespace()
        doors = lend(self.app.store, name.partition(".")[0], name, self.app.clockwork, post=self.app.post)
        made = plugin(
            PluginContext(
                name=name,
                options=plugin.Options(**options),
                log=logging.getLogger(name),
                http=nothing,
                data_dir=nothing,
                gather=nothing,
                snapshot=nothing,
                url=lambda path, **query: self.home + path + (f"?{urlencode(query)}" if query else ""),
                **doors,
            )
        )
        self.app.house.hooks.register(name, made, deadline_s=60)
        return made

    def add_local(self, **options: Any) -> LocalAccounts:
        made: LocalAccounts = self.add("auth.local", LocalAccounts, **(CHEAP | options))
        return made

    def visitor(self) -> Client:
        """A browser of its own."""
        self._wsgi = self._wsgi or wsgi.build(self.app)
        return Client(self._wsgi, self.app, {})

    def signed_in(self, name: str, password: str = GOOD) -> Client:
        client = self.visitor()
        client.passwords[name] = password
        assert client.sign_in(name).status == 303
        return client

    def letters(self) -> list[Mail]:
        """Let the job do its work; every mail that was ever queued, oldest first."""
        assert self.app.clockwork.run_now("auth.local.letters").state == "done"
        return self.mails()

    def mails(self) -> list[Mail]:
        kept = (ledger.mail(self.app.store, one.id) for one in ledger.mails(self.app.store, 100))
        return sorted((one for one in kept if one), key=lambda one: one.created_at)

    def close(self) -> None:
        self.app.clockwork.stop()
        self.app.store.close()


def link(text: str, path: str) -> str:
    """The address of *path* in a mail, as one asks this house for it."""
    (found,) = re.findall(rf"^{HOME}({re.escape(path)}\?code=\S+)$", text, re.MULTILINE)
    return str(found)


def code_of(address: str) -> str:
    return urlsplit(address).query.removeprefix("code=")


def post(client: Client, path: str, **form: Any) -> Got:
    """As a browser sends a form of our own page."""
    form.setdefault("csrf_token", client.csrf_token())
    return client.post(path, form=form, headers={"Origin": "http://wwt.example"})
