"""Orders: place, look, change, cancel, preview."""
