"""What becomes of each path, by what it is about."""
