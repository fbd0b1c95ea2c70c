"""Typed classes for the resource types that llmctl uses, generated from the provider's own schema.

`base.py` is what they share; `types.py` lists which ones there are; `aws/` holds them, one module a type, so
that using one loads no other. Not a general binding: a type nobody uses has no class.
"""
