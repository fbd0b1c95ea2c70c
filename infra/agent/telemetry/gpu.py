"""The instance's GPUs, through NVIDIA's management library: how busy and how full, on average.

Where there is no library, or no GPU, there is nothing to read; that is said once.
"""

import logging
from typing import Any

_LOG = logging.getLogger("agent")


class Gpus:
    """Opened on first use. Percent of all GPUs' time and memory."""

    def __init__(self) -> None:
        self._handles: list[Any] | None = None

    def read(self) -> tuple[float, float] | None:
        """Use and memory use; None when there is nothing to read."""
        if self._handles is None:
            self._handles = _open()
        if not self._handles:
            return None
        import pynvml  # type: ignore[import-untyped]

        try:
            busy = [float(pynvml.nvmlDeviceGetUtilizationRates(each).gpu) for each in self._handles]
            memory = [pynvml.nvmlDeviceGetMemoryInfo(each) for each in self._handles]
        except pynvml.NVMLError as error:
            _LOG.warning("GPU", extra={"fields": {"error": str(error)}})
            return None
        full = 100 * sum(float(each.used) for each in memory) / sum(float(each.total) for each in memory)
        return round(sum(busy) / len(busy), 1), round(full, 1)


def _open() -> list[Any]:
    """Handles of all GPUs. The import takes a tenth of a second, so only instances with GPUs pay for it."""
    import pynvml

    try:
        pynvml.nvmlInit()
        return [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError as error:
        _LOG.info("no figures of GPUs", extra={"fields": {"reason": str(error)}})
        return []
