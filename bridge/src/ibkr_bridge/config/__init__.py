"""Settings: what can be set, under which names, with which defaults."""
