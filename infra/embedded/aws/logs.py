"""CloudWatch Logs: FilterLogEvents looks at the streams that were asked for, and events become metrics.

moto knows logStreamNames, and ignores logStreamNamePrefix: it answers with the events of every stream. It
keeps metric filters, adds a second one where one is changed, and neither applies them nor reads the embedded
metric format.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.logs.metric_filters import MetricFilters
from moto.logs.models import LogGroup
from moto.logs.responses import InvalidParameterException, LogsResponse

from infra.embedded.aws import log_metrics
from infra.embedded.aws.log_patterns import BadPatternError, compiled
from infra.embedded.aws.patching import replace


def install() -> None:
    """Put the fixes into moto."""
    replace(LogsResponse, "filter_log_events", _with_prefix)
    replace(LogsResponse, "put_metric_filter", _with_checked_pattern)
    replace(MetricFilters, "add_filter", _with_replacement)
    replace(LogGroup, "put_log_events", _with_metrics)


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


def _with_checked_pattern(original: Callable[[Any], str]) -> Callable[[Any], str]:
    def put_metric_filter(self: Any) -> str:
        pattern = self._get_param("filterPattern") or ""
        try:
            compiled(pattern)
        except BadPatternError as error:
            raise InvalidParameterException(str(error), "filterPattern", pattern) from error
        return original(self)

    return put_metric_filter


def _with_replacement(original: Callable[..., None]) -> Callable[..., None]:
    def add_filter(self: Any, filter_name: str, pattern: str, log_group_name: str, to: Any) -> None:
        self.delete_filter(filter_name, log_group_name)
        original(self, filter_name, pattern, log_group_name, to)

    return add_filter


def _with_metrics(original: Callable[..., str]) -> Callable[..., str]:
    def put_log_events(self: Any, log_stream_name: str, log_events: Sequence[Mapping[str, Any]]) -> str:
        token = original(self, log_stream_name, log_events)
        log_metrics.ingest(self.account_id, self.region, _filters(self), log_events)
        return token

    return put_log_events


def _filters(group: Any) -> list[Mapping[str, Any]]:
    from moto.logs.models import logs_backends

    filters = logs_backends[group.account_id][group.region].filters
    found: list[Mapping[str, Any]] = filters.get_matching_filters(log_group_name=group.name)
    return found
