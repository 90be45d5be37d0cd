"""What happens although nobody trades: dividends, splits, expiries, margin calls."""
