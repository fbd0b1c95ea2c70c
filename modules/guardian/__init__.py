"""The guardian of an environment."""
