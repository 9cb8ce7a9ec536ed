"""What the shipped kinds of action have in common."""
