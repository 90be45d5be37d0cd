"""Who may come in without a password: OAuth 1.0a as IBKR has extended it, and OAuth 2.0."""
