"""Bars as rows of columns, in the formats that programs read."""
