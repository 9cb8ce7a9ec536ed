"""Models: plugins that learn from past actions and expect the next one."""
