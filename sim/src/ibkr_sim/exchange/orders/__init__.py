"""What an order is: its kinds, its numbers, its links, and why one is refused."""
