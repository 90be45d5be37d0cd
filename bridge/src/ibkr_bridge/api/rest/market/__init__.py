"""Quotes and opening hours."""
