"""Search, depth, options, ticks, scanners, news, and topics of IBKR's own stream, shared among callers."""
