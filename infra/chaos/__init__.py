"""Chaos: what is done to an environment on purpose, and whether it stood it."""
