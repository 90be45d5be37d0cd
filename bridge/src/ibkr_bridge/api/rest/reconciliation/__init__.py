"""/reconciliation: what we believe beside what the broker shows."""
