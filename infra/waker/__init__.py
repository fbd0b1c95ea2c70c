"""The waker: the function that lets models sleep at zero replicas, and wakes them."""
