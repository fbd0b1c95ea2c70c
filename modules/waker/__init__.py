"""Scale to zero: the function that answers for sleeping models and wakes them."""
