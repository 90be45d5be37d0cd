"""Measurements of the service, each with its baseline beside it in the same run."""
