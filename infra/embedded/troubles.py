"""What can go wrong on an instance, on demand. Names only: the command line reads them at its start."""

from enum import StrEnum


class Trouble(StrEnum):
    """Something on an instance that breaks. The agent is what its systemd keeps running."""

    ENGINE_HANG = "engine-hang"
    """Containers accept connections and never answer: their processes are stopped."""
    AGENT_HANG = "agent-hang"
    """The services do nothing: their main processes are stopped."""
    AGENT_DEATH = "agent-death"
    """The services' main processes are killed, once; systemd starts them again."""
    FULL_DISK = "full-disk"
    """Nothing can be written to a file; the console, which is not on the disk, goes on."""
    CLOCK_SKEW = "clock-skew"
    """What its Python programs take for the time is wrong by so many seconds."""
    METADATA_OUTAGE = "metadata-outage"
    """The metadata service answers 503."""

    @property
    def lasts(self) -> bool:
        """Whether it has an end: a death is over at once."""
        return self is not Trouble.AGENT_DEATH
