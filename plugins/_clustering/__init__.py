"""What clusterers share: vectors, centres, neighbours with reasons, corrections."""
