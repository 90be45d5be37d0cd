"""What survives a restart of the simulator, in a file."""
