"""Who is asking, and may they: sign-in, sessions, basic sign-in of scripts, persons, roles, limits, tokens of forms."""

from wwt_framework.services.access.limits import Limits
from wwt_framework.services.access.porter import Access, AccessOptions, Visitor
from wwt_framework.services.access.sessions import GLASS, Browser

__all__ = ["GLASS", "Access", "AccessOptions", "Browser", "Limits", "Visitor"]
