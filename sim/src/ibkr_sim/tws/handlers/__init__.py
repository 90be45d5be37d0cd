"""What the door does with each request."""
