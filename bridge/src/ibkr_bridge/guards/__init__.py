"""Risk checks, one file each: (intent, view) -> a denial, or None to allow. Pure."""
