"""docs/operations.md: an entry for each alarm, and the times that it promises."""

import re
from pathlib import Path

from infra.observability.alarms import alarms, composites, environment_alarms
from tests.fakes.metrics import SOURCES
from tests.unit.observability.test_alarms import environment, priced

TEXT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
SPEC, PRICED = environment(), priced(1, 5)
ALL = (
    *alarms(SPEC, "chat", SOURCES),
    *environment_alarms(PRICED, dict.fromkeys(PRICED.models, SOURCES)),
)


def test_every_alarm_has_an_entry_and_every_entry_an_alarm() -> None:
    """Who is woken finds what it means; nobody reads of what can't happen."""
    kinds = {alarm.kind for alarm in ALL} | {each.kind for each in composites(SPEC, "chat", SOURCES)}
    entries = set(re.findall(r"^## (\S+)$", TEXT, re.MULTILINE))
    assert entries == kinds


def test_the_table_is_what_the_alarms_say() -> None:
    """Documented times and reasons are those of the definitions."""
    for alarm in ALL:
        when = f"{alarm.datapoints} of {alarm.periods} x {alarm.period_seconds} s"
        times = f"{alarm.fires_within} s | {alarm.clears_within} s"
        silence = f"{alarm.missing.value}: {alarm.why_missing}"
        assert f"| [`{alarm.kind}`](#{alarm.kind}) | {when} | {times} | {silence} |" in TEXT
