"""The seal on the journal: a key, a chain, a mark kept elsewhere, and the check of all three."""
