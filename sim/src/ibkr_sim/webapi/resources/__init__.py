"""One file for each resource: which paths it has, and who answers them."""
