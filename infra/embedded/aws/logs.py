"""CloudWatch Logs: FilterLogEvents looks at the streams that were asked for.

moto knows logStreamNames, and ignores logStreamNamePrefix: it answers with the events of every stream.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.logs.responses import LogsResponse

from infra.embedded.aws.patching import replace


def install() -> None:
    """Put the fix into moto."""
    replace(LogsResponse, "filter_log_events", _with_prefix)


def _with_prefix(original: Callable[[Any], str]) -> Callable[[Any], str]:
    def filter_log_events(self: Any) -> str:
        prefix = self._get_param("logStreamNamePrefix")
        group = self.logs_backend.groups.get(self._get_param("logGroupName"))
        if not prefix or group is None:
            return original(self)
        streams = [name for name in group.streams if name.startswith(prefix)]
        if not streams:
            return json.dumps({"events": [], "searchedLogStreams": []})
        self.body = json.dumps({**json.loads(self.body), "logStreamNames": streams})
        return original(self)

    return filter_log_events
