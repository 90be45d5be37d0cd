"""What the service writes down about itself."""
