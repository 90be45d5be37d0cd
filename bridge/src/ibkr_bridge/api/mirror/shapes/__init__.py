"""What the engine knows, in the shapes of IBKR's Web API."""
