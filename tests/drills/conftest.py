"""The databases on which the drills run."""

from tests.store.conftest import postgresql, url

__all__ = ["postgresql", "url"]
