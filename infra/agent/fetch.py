"""Gets the key and the weights before the engine starts, in a thread, so that notices are still heard.

A secret that can't be read and weights that can't be had are failures with a line for people; the loop
decides when to try again. What was downloaded stays.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.agent.machine import Work

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_LOG = logging.getLogger("agent")


class FetchError(Exception):
    """Something that the engine needs is not to be had; the message says what."""


class Cancelled(Exception):  # noqa: N818 - not an error: the instance must go
    """The instance must go, so the rest isn't needed."""


Download = Callable[[Callable[[str], None], threading.Event], None]
"""Given a place for its progress and a request to stop: raises FetchError, Cancelled or an AWS error."""


@dataclass
class KeyAndWeights:
    """Implements `ports.Fetcher`."""

    secretsmanager: "SecretsManagerClient"
    secret: str | None
    download: Download | None
    prepare: Callable[[], None] = field(default=lambda: None)
    """What else is done, last; it may not fail."""
    api_key: str | None = None
    """The key, once it is here. In memory only."""
    _progress: tuple[Work, str] = (Work.IDLE, "")
    _cancel: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin, or begin again."""
        self._progress = (Work.RUNNING, "")
        threading.Thread(target=self._run, name="fetcher", daemon=True).start()

    def progress(self) -> tuple[Work, str]:
        """How far it is."""
        return self._progress

    def cancel(self) -> None:
        """Stop soon."""
        self._cancel.set()

    def _run(self) -> None:
        try:
            if self.secret is not None:
                self.api_key = self._read_secret(self.secret)
            if self.download is not None:
                self.download(self._say, self._cancel)
            self.prepare()
        except Exception as error:  # noqa: BLE001 - a thread's outermost frame: unseen, it would seem to go on
            _LOG.warning("fetch", extra={"fields": {"error": f"{type(error).__name__}: {error}"}})
            self._progress = (Work.FAILED, str(error))
        else:
            self._progress = (Work.DONE, "")

    def _say(self, detail: str) -> None:
        self._progress = (Work.RUNNING, detail)

    def _read_secret(self, name: str) -> str:
        key = self.secretsmanager.get_secret_value(SecretId=name).get("SecretString", "")
        if not key:
            raise FetchError(f"the secret {name} is empty")
        return key
