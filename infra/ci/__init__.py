"""What a CI job needs of the code host it runs on: comments, issues, reviewed plans, identity.

Decisions (`changes`, `comments`, `issues`, `approval`, `retry`) are pure; `github` and `gitlab` speak to the
hosts by `rest`, and return the types that the decisions are about.
"""
