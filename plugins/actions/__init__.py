"""Actions: plugins that say what can be done about a workflow, and do it."""
