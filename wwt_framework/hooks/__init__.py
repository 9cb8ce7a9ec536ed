"""Where the core and plugins meet: markers, specifications, manager, loader."""

import pluggy

NAME = "wwt"

hookspec = pluggy.HookspecMarker(NAME)
hookimpl = pluggy.HookimplMarker(NAME)
