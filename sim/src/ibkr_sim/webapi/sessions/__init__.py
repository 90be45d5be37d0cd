"""The two tiers of a session: the portal, which a login opens, and the brokerage session behind it."""
