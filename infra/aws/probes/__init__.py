"""Each service asked for what it has of environments: by tag, and by name where tags may be missing."""
