"""The control port: who the simulator is, what its books hold, how fast its time runs."""
