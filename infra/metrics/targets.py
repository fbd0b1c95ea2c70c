"""Which models and releases there are metrics to read of."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from infra.deploy.ports import Runtime
from infra.metrics.ports import Origins, Reader
from infra.metrics.summary import Target
from infra.observability.serving import Serving


def targets(models: Sequence[str], origins: Origins, runtime: Runtime, reader: Reader) -> tuple[Target, ...]:
    """Those of the models that are deployed, each with its releases: the live one, then by slot and number.

    Releases are those that published within the last hours, and the live one whether or not it did.
    """
    with ThreadPoolExecutor(max_workers=3) as pool:
        sources, live = pool.submit(origins.sources), pool.submit(runtime.live)
        releases = reader.releases()
    found = []
    for model in models:
        if model not in sources.result():
            continue
        record = live.result().get(model)
        serving = Serving(record.slot, record.release) if record else None
        others = sorted(releases.get(model, frozenset()) - {serving})
        found.append(
            Target(
                model=model,
                sources=sources.result()[model],
                releases=(serving, *others) if serving else tuple(others),
                live=serving,
            )
        )
    return tuple(found)
