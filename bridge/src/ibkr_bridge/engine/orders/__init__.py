"""Orders from a caller's wish to the broker's last word, and what becomes of those without one."""
