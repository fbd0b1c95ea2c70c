"""How our metrics are read from each engine's exposition: data, one file an engine.

A file says which versions it was checked against. What an engine doesn't tell is left out, and has then no
figure and no alarm, rather than a guess.
"""
