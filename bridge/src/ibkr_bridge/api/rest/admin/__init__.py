"""/admin: the kill switch."""
