"""What instances may do."""
