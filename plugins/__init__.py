"""Plugins shipped with wwt_framework; importable as `wwt_plugins`."""

if __name__ != "wwt_plugins":
    raise ImportError(
        f"This package is installed as 'wwt_plugins' and was imported as {__name__!r}, "
        "which would load every plugin a second time; write 'import wwt_plugins' instead."
    )
