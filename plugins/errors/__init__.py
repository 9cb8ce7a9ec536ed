"""Sources: plugins that say what fails, where, and what else is known about it."""
