"""What one client is told unasked, once it has subscribed."""
