"""The way back for rollouts that nobody drives any more."""
