"""Golden prompts: the same questions to two releases, and which of them answers better.

It asks each release directly, past the weights of the balancer, and scores what comes back. It decides
nothing: whether a difference is too large is for `infra.rollout.gates`. Prompts and answers stay on this
machine, unless a scorer is told to send them to an embedding model or a judge.
"""
