"""What the server says: each message built from values, in the layout of the client's version."""
