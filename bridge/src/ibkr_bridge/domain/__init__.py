"""Our words: frozen values, pure rules, the order's state machine, the error tree."""
