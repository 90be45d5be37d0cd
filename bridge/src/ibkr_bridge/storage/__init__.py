"""The journal's homes."""
