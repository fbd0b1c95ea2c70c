"""GitLab's notes on a merge request (https://docs.gitlab.com/api/notes/), in the words of the decisions."""

from collections.abc import Iterator

from infra.ci.comments import Comment
from infra.ci.jobs import GitlabJob
from infra.ci.rest import Clock, Rest

_NEEDS = "GITLAB_TOKEN, a project access token with the scope api"
_LIMIT = 1_000_000
"""Characters of a note."""


class MergeRequestThread:
    """The notes of one merge request; implements `Thread`."""

    limit = _LIMIT

    def __init__(self, job: GitlabJob, number: int, clock: Clock) -> None:
        self._rest = Rest(job.api, {"PRIVATE-TOKEN": job.token}, clock)
        self._notes = f"/projects/{job.project}/merge_requests/{number}/notes"

    def author(self) -> str:
        """The user of the token: each project access token has one of its own."""
        return str(self._rest.get("/user", needs=_NEEDS)["username"])

    def comments(self) -> Iterator[Comment]:
        """What people and tokens wrote, oldest first; not what GitLab tells of itself."""
        for each in self._rest.pages(self._notes, needs=_NEEDS, order_by="created_at", sort="asc"):
            if not each["system"]:
                yield Comment(id=each["id"], author=each["author"]["username"], body=each["body"])

    def create(self, body: str) -> None:
        """Comment."""
        self._rest.send("POST", self._notes, {"body": body}, needs=_NEEDS)

    def update(self, comment: int, body: str) -> None:
        """Replace a note's text."""
        self._rest.send("PUT", f"{self._notes}/{comment}", {"body": body}, needs=_NEEDS)

    def delete(self, comment: int) -> None:
        """Take a note away."""
        self._rest.send("DELETE", f"{self._notes}/{comment}", needs=_NEEDS)
