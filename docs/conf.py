"""How Sphinx makes these pages. Nothing here needs a network."""

import wwt_framework

project = "wwt_framework"
author = "the authors of wwt_framework"
copyright = "the authors of wwt_framework"
version = release = wwt_framework.__version__

extensions = ["myst_parser"]
exclude_patterns = ["tools"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"wwt_framework {release}"
