"""The endpoint of an environment and the way from it to each model."""
