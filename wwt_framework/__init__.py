"""A plugin-based console for the people who keep large scientific computing grids running."""

from wwt_framework.hooks import hookimpl

__version__ = "0.1.0"

__all__ = ["__version__", "hookimpl"]
