"""Fan-out: topics in, bytes out; knows no broker."""
