"""The sockets in the wall: what the engine asks of the outside. Protocols, no code."""
