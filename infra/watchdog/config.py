"""What the function is told. One name is enough: which models there are, the table says.

So models come and go without touching the function, and every environment has the same zip.
"""

VARIABLE = "LLMCTL_ENVIRONMENT"
"""Environment variable of the function with the environment's name."""
