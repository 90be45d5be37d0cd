"""Who owns and owes what: the ledger, margin, commissions, figures."""
