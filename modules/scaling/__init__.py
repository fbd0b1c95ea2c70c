"""How a model follows its load."""
