"""A slot of a model: blue or green."""
