"""Where a model's weights come from: the parts of `source`.

Pure: it only takes the address apart. The file format guarantees its shape; what an engine can load is its
own business (`infra/engines`), and what it weighs is `weights.py`'s.
"""

from dataclasses import dataclass
from typing import Literal

from infra.agent.config import WEIGHTS_DIRECTORY


@dataclass(frozen=True, kw_only=True)
class Source:
    """An address taken apart; `path` is empty for a whole Hugging Face repository."""

    kind: Literal["hf", "s3", "file"]
    repository: str
    """ORG/REPO on Hugging Face, the bucket on S3, empty for a file in the image."""
    path: str
    """A file in the repository, the prefix in the bucket, or the absolute path in the image."""
    revision: str | None = None

    @property
    def name(self) -> str:
        """What the weights are called: the text from which their size can be guessed."""
        return f"{self.repository.rpartition('/')[2]}/{self.path}".strip("/")

    @property
    def local_path(self) -> str | None:
        """Where the engine finds the weights in its container; None when it fetches them itself."""
        if self.kind == "file":
            return self.path
        if self.kind == "s3":
            last = self.path.rstrip("/").rpartition("/")[2]
            return f"{WEIGHTS_DIRECTORY}/{last}" if last.endswith(".gguf") else WEIGHTS_DIRECTORY
        return None


def parse(source: str) -> Source:
    """Take a `source` of the file format apart."""
    kind, _, rest = source.partition("://")
    if kind == "s3":
        bucket, _, prefix = rest.partition("/")
        return Source(kind="s3", repository=bucket, path=prefix)
    if kind == "file":
        return Source(kind="file", repository="", path=rest)
    rest, _, revision = rest.partition("@")
    organisation, repository, *path = rest.split("/", 2)
    return Source(
        kind="hf",
        repository=f"{organisation}/{repository}",
        path="".join(path),
        revision=revision or None,
    )
