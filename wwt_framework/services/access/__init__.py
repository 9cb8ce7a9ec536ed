"""Who is asking, and may they: sign-in, sessions, basic sign-in of scripts, roles, limits, and the tokens of forms."""

from wwt_framework.services.access.limits import Limits
from wwt_framework.services.access.porter import Access, AccessOptions, Visitor

__all__ = ["Access", "AccessOptions", "Limits", "Visitor"]
