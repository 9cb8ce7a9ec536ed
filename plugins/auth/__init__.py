"""Sign-in: plugins that say who somebody is and what they may do."""
