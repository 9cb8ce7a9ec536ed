"""Which workflows fail alike: what clusterers are given, when they are asked, and what operators corrected."""
