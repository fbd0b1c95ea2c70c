"""Taking environments down for good: what exists, in which order it goes, whose time is over."""
