"""Figures of GPUs, where there are some."""

from types import SimpleNamespace

import pynvml  # type: ignore[import-untyped]
import pytest

from infra.agent.telemetry.gpu import Gpus


def test_use_is_the_average_of_all_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model spread over GPUs uses the instance as a whole."""
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(
        pynvml, "nvmlDeviceGetUtilizationRates", lambda handle: SimpleNamespace(gpu=(20, 80)[handle])
    )
    monkeypatch.setattr(
        pynvml, "nvmlDeviceGetMemoryInfo", lambda handle: SimpleNamespace(used=(10, 30)[handle], total=40)
    )
    assert Gpus().read() == (50.0, 50.0)


def test_without_a_library_there_is_nothing_and_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that isn't there must not be looked for every few seconds."""
    asked = []

    def init() -> None:
        asked.append(1)
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", init)
    gpus = Gpus()
    assert gpus.read() is None
    assert gpus.read() is None
    assert asked == [1]
