"""The local page of `llmctl dashboard`: a read-only web server on loopback, and the page it serves.

It asks a `Source` and knows no cloud. It changes nothing, anywhere: there is no route that does.
"""
