"""Speaks the Client Portal Web API: sessions, OAuth, REST resources and the WebSocket."""
