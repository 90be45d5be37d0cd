"""The REST routes, one room per resource."""
