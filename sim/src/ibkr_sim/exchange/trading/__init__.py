"""From an order taken to a fill booked: gates, triggers, books, matching."""
