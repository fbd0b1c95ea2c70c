"""The embedded cloud's status as tables."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

_COLUMNS = ("id", "phase", "address", "pid", "market", "type", "zone", "group")
_STYLES = {"running": "green", "dead": "red", "interrupted": "red", "stopping": "magenta"}


def print_cloud(status: Mapping[str, Any]) -> None:
    """Write the status to stdout."""
    Console().print(cloud_view(status))


def cloud_view(status: Mapping[str, Any]) -> RenderableType:
    """Header, load balancers, instances, and what is wrong."""
    header = Text.assemble((status["name"], "bold"), f"  {status['api']}  up {status['uptime_seconds']:.0f}s")
    if (speed := status.get("speed", 1)) != 1:
        header.append(f"  alarms {speed:g} times as fast", style="yellow")
    parts: list[RenderableType] = [header]
    parts += [_balancer(item) for item in status["load_balancers"]]
    if status["instances"]:
        parts.append(_instances(status["instances"]))
    parts += [Text(f"mail to {mail['to']}: {mail['subject']}") for mail in status.get("mail", ())]
    parts += [Text(f"problem: {problem}", style="yellow") for problem in status["problems"]]
    parts += [Text(f"error in {item['step']}: {item['error']}", style="red") for item in status["errors"]]
    return Group(*parts)


def _balancer(item: Mapping[str, Any]) -> Text:
    urls = [
        f"{listener['protocol'].lower()}://{item['dns_name']}:{listener['port']}"
        for listener in item["listeners"]
    ]
    return Text(f"load balancer {item['name']}  {' '.join(urls) or 'no listener'}")


def _instances(instances: list[Mapping[str, Any]]) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in _COLUMNS:
        table.add_column(column)
    for instance in instances:
        cells = (str(instance[column] or "") for column in _COLUMNS[2:])
        phase = Text(instance["phase"], style=_STYLES.get(instance["phase"], "yellow"))
        table.add_row(instance["id"], phase, *cells)
    return table
