"""What both doors know besides prices: venues, scanners, news, what an option is worth."""
