"""A simulator of an inference server: vLLM's API, streaming, key, metrics and shutdown - and no model.

It exists so that rollouts, scaling and interruptions can be rehearsed in seconds on any machine. It never
hides what it is: the `Server` header, `/version`, the model card and the first word of each answer say so.
Its answers are invented (but the same for the same request), and its speed is whatever it was told.
"""
