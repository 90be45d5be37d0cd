"""What the guards must know: prices, positions with what has just filled, and what everything is worth."""
