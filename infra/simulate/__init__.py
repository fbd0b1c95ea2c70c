"""Replays the spot market's past against policies: their availability, and their cost."""
