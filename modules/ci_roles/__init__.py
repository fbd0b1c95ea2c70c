"""The roles that jobs of a code host act as."""
