"""Contracts that follow others and end on a day: which are listed, how they are numbered, what they are worth."""
