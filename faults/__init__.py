"""Seeded worlds in which everything goes wrong, and the books that must balance at the end."""
