"""Clusterings: plugins that say which workflows fail alike."""
