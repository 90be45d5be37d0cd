"""Contracts, prices, matching, ledger: an exchange and a broker's books, seeded, on a clock of their own."""
