"""When exchanges are open, out of a calendar library."""
