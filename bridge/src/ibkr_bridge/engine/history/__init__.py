"""Historical bars: planned, paced, shared, joined; and bars as they come."""
