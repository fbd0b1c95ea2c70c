"""Emulated time, and the minute's beat in it."""

import pytest

from infra.embedded.aws.pace import PACE, Beat, Pace


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_emulated_and_real_are_inverse(speed: float) -> None:
    """A minute lasts 60 s divided by the speed, and both clocks agree at the origin."""
    pace = Pace(speed=speed, origin=1000.0)
    assert pace.emulated(1000.0) == 1000.0
    assert pace.emulated(1000.0 + 60 / speed) == 1060.0
    assert pace.real(pace.emulated(1234.5)) == pytest.approx(1234.5)


@pytest.mark.parametrize(("speed", "strikes"), [(1.0, 2), (10.0, 20), (600.0, 120)])
def test_beat_strikes_each_emulated_minute_but_once_a_second(
    monkeypatch: pytest.MonkeyPatch, speed: float, strikes: int
) -> None:
    """In two minutes of real time, looked at five times a second."""
    monkeypatch.setattr(PACE, "speed", speed)
    monkeypatch.setattr(PACE, "origin", 0.0)
    beat = Beat()
    assert sum(beat.strikes(tick / 5) for tick in range(600)) == strikes
