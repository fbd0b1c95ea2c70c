"""Numbers of gates with their units, spelled the same in the terminal and in reports."""

_UNITS = {"percent": " %", "seconds": " s", "tokens a second": " tok/s"}
_NOTHING = "-"


def suffix(unit: str) -> str:
    """What stands behind a number of that unit."""
    return _UNITS.get(unit, "")


def quantity(value: float | None, unit: str = "") -> str:
    """Three digits, or all before the point; a dash for what was not measured."""
    if value is None:
        return _NOTHING
    number = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return number + suffix(unit)
