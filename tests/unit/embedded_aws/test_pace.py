"""Emulated time."""

import pytest

from infra.embedded.aws.pace import Pace


@pytest.mark.parametrize("speed", [1.0, 6.0, 10.0, 60.0])
def test_emulated_minutes_begin_on_real_seconds(speed: float) -> None:
    """Datapoints are kept by the second: a period must not begin within one."""
    pace = Pace()
    pace.set(speed, 1_800_000_017.3)
    begins = [pace.real(1_800_000_000 + 60 * minute) for minute in range(100)]
    assert all(at == pytest.approx(round(at), abs=1e-6) for at in begins)
    assert pace.emulated(pace.real(1_800_000_123.0)) == pytest.approx(1_800_000_123.0)


@pytest.mark.parametrize("speed", [0.5, 0.0, -1.0, 61.0, float("nan")])
def test_impossible_speed_is_refused(speed: float) -> None:
    """Slower than AWS has no use, faster has no datapoints."""
    with pytest.raises(ValueError, match="from 1 to 60"):
        Pace().set(speed, 0.0)
