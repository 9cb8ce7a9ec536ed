"""The family of exceptions: what a caller may want to catch."""

from __future__ import annotations


class WwtError(Exception):
    """Something the house can say in a sentence; the message is fit for an operator."""


class ConfigError(WwtError):
    """plugins.yml can not be meant; every problem found is listed, one sentence with file and line each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PluginError(WwtError):
    """A plugin does not fit, or did something it may not do."""


class Denied(WwtError):
    """This user may not do this. Raised by ``authenticate``, it ends the chain of backends."""


class NotFound(WwtError):
    """No such workflow, page, action or person."""


class IllegalTransition(WwtError):
    """An action can not move from the state it is in to the one asked for."""


class SourceError(WwtError):
    """A source of data did not give what it should; the message says which, what was expected and what came."""


class NotSignedIn(Denied):
    """Nobody in particular is asking, and this is not for everybody: signing in (again) may help."""


class TooOften(Denied):
    """Tried too often for now; the message says when to try again, and so does ``again_s`` in seconds."""

    def __init__(self, message: str, again_s: int = 60) -> None:
        super().__init__(message)
        self.again_s = again_s


class StoreError(WwtError):
    """The store can not be opened, read or written; the message says which, what is wrong and what to do."""
