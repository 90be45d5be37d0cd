"""OAuth 1.0a as IBKR extends it: keys, signatures, and the live session token."""
