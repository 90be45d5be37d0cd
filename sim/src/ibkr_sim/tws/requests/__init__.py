"""What clients ask: each message read into a frozen value."""
