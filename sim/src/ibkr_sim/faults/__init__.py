"""The bad days of IBKR on command: a name, a trigger, a seed."""
