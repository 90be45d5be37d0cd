"""Pure translation of the exchange's values into the shapes of the Web API."""
