"""The schema's history; each version is a file that is never changed again."""
