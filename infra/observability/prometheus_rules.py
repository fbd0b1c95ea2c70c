"""The alarms as Prometheus alert rules, over what the agents' /metrics tell (docs/metrics.md has the names).

Thresholds and words are those of `alarms`. What only AWS knows is left out: capacity-short and budget (sizes
of groups) and balancer-errors. Composites are Alertmanager's business: it groups and inhibits by label.
"""

from collections.abc import Mapping
from typing import Any

from infra.environment.base import seconds
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.observability.alarms import alarms
from infra.observability.types import Alarm, Sources

_NOWHERE = Sources(
    balancer="",
    target_groups=dict.fromkeys(Slot, ""),
    groups={(slot, market): "" for slot in Slot for market in Market},
)
"""Prometheus needs no names of AWS's resources."""
_URGENT = frozenset({"no-healthy-replica", "errors"})
_HELD = frozenset({"no-healthy-replica", "latency", "ttft", "queue", "metrics-missing"})
"""Alerts over a state, which has to last; the others look back themselves."""


def prometheus_rules(environment: Environment) -> dict[str, Any]:
    """The content of a rule file: a group for each model."""
    return {
        "groups": [
            {
                "name": f"llmctl-{environment.environment}-{model}",
                "rules": [
                    rule
                    for alarm in alarms(environment, model, _NOWHERE)
                    if (rule := _rule(environment, model, alarm))
                ],
            }
            for model in environment.models
        ]
    }


def _rule(environment: Environment, model: str, alarm: Alarm) -> dict[str, Any] | None:
    expression = _expression(environment, model, alarm)
    if expression is None:
        return None
    held = alarm.datapoints * alarm.period_seconds if alarm.kind in _HELD else 0
    return {
        "alert": "Llmctl" + "".join(word.capitalize() for word in alarm.kind.split("-")),
        "expr": expression,
        **({"for": f"{held}s"} if held else {}),
        "labels": {
            "environment": environment.environment,
            "model": model,
            "severity": "page" if alarm.kind in _URGENT else "ticket",
        },
        "annotations": {
            "summary": alarm.meaning,
            "description": f"docs/operations.md explains it: {alarm.kind}.",
        },
    }


def _expression(environment: Environment, model: str, alarm: Alarm) -> str | None:
    of = f'environment="{environment.environment}",model="{model}"'
    limit = f"{alarm.threshold:g}"
    found: Mapping[str, str] = {
        "no-healthy-replica": f'(sum(llmctl_phase{{{of},phase="healthy"}}) or vector(0)) < 1',
        "errors": (
            f'100 * sum(rate(llmctl_errors_total{{{of},class="server"}}[5m]))'
            f" / sum(rate(llmctl_requests_total{{{of}}}[5m])) > {limit}"
            f' and sum(increase(llmctl_errors_total{{{of},class="server"}}[5m])) >= 3'
        ),
        "latency": _percentile("llmctl_request_duration_seconds", of, limit),
        "ttft": _percentile("llmctl_time_to_first_token_seconds", of, limit),
        "queue": f"avg(llmctl_queued{{{of}}}) > {limit}",
        "spot-notices": f"round(sum(increase(llmctl_spot_notices_total{{{of}}}[15m]))) >= {limit}",
        "agent-silent": _silent(environment, of),
        "metrics-missing": f"sum(increase(llmctl_scrape_failures_total{{{of}}}[2m])) > 0",
        "engine-failing": f"sum(increase(llmctl_engine_failures_total{{{of}}}[5m])) > 0",
    }
    if _may_sleep(environment, model) and alarm.kind == "no-healthy-replica":
        return f'sum(llmctl_phase{{{of},phase="healthy"}}) < 1'
    return found.get(alarm.kind)


def _may_sleep(environment: Environment, model: str) -> bool:
    """Whether it is right that nobody is there."""
    return environment.models[model].replicas.min == 0


def _percentile(histogram: str, of: str, limit: str) -> str:
    return f"histogram_quantile(0.95, sum by (le) (rate({histogram}_bucket{{{of}}}[5m]))) > {limit}"


def _silent(environment: Environment, of: str) -> str:
    """Those that said goodbye aren't silent; those that died without it are, for a quarter of an hour."""
    patience = 180 + seconds(environment.monitoring.interval)
    return (
        f"(time() - max_over_time(llmctl_heartbeat_timestamp_seconds{{{of}}}[15m]) > {patience})"
        f' unless on (instance) (last_over_time(llmctl_phase{{{of},phase=~"draining|gone"}}[15m]) == 1)'
    )
