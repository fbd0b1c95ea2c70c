"""Functions in the cloud."""
