"""A model's release: what a version of its launch template is made of."""
