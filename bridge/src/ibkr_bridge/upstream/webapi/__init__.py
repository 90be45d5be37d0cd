"""IBKR's Client Portal Web API: through its gateway on this machine, or signed with OAuth 1.0a."""
