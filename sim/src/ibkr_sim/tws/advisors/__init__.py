"""Advisors: what they have agreed on, and how their orders are shared by their clients."""
