"""The network of an environment, and who may talk to whom in it."""
