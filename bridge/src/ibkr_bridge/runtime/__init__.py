"""The only place where concrete meets concrete: everything is built, started in order and stopped in reverse here."""
