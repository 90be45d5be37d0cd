"""News: who writes, headlines, articles."""
