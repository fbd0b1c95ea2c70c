"""Policies to be compared: what is common, what is published, what AWS does, and ours."""
