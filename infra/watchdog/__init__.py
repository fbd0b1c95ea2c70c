"""The function that takes rollouts back whose driver is gone, and clears up behind those that are over."""
