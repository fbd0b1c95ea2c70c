"""Numbers with their units, spelled the same in the terminal and in reports."""

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


def age_text(seconds: float | None) -> str:
    """A time that has passed, in its largest whole unit; a dash for an unknown one."""
    if seconds is None:
        return _NOTHING
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
