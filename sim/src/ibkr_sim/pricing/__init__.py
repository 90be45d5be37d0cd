"""What a contract is worth that depends on another one; formulas alone."""
