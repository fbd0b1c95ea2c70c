"""The guardian: keeps up with demand on demand, while the spot market doesn't."""
