"""Is it running, is it connected, may it trade."""
