"""Each fault that can be had by name: what a client then sees, and who has seen it."""
