"""The emulated AWS control plane: moto in this process, with what it lacks.

moto records wishes; this package makes it answer as Terraform and the AWS SDK expect, and runs autoscaling
itself. It knows AWS and nothing of llmctl. One module a service; `install()` puts all fixes in place, once.
Compute (processes) and the balancer live elsewhere: they read `views` and write back through `ec2` and
`elbv2`.
"""

import threading

lock = threading.RLock()
"""Held around every API call and by every reconciler: moto's state has no lock of its own."""

_installed = threading.Event()


class NotEmulatedError(NotImplementedError):
    """A call that AWS takes and this cloud refuses; the server answers it as 400 NotImplemented.

    Refusing is the point: what is accepted and then not done would be believed. It is moto's own class too,
    which raises it for what moto lacks.
    """


def install() -> None:
    """Put all fixes into moto; a second call does nothing. Raises AttributeError on an unexpected moto."""
    from infra.embedded.aws import (
        autoscaling,
        cloudwatch,
        ec2,
        elbv2,
        events,
        experiments,
        functions,
        launch_templates,
        logs,
        s3,
        sns,
        ssm,
    )

    services = (
        *(ec2, launch_templates, ssm, s3, logs, elbv2, cloudwatch, sns, autoscaling, functions, events),
        experiments,
    )
    with lock:
        if _installed.is_set():
            return
        for service in services:
            service.install()
        _installed.set()


def reset() -> None:
    """Empty every account, as new: for tests."""
    from moto.core.base_backend import BackendDict
    from moto.s3.models import s3_backends

    from infra.embedded.aws import autoscaling, cloudwatch, experiments, health
    from infra.embedded.aws.faults import INJECTOR, Faults

    INJECTOR.set(Faults())
    with lock:
        for regions in s3_backends.values():
            regions.reset()  # closes the objects' files
        for accounts in BackendDict._instances:  # moto's own reset would first build every backend anew
            accounts.clear()
        health.STORE.clear()
        cloudwatch.reset()
        autoscaling.set_capacity(None)
        experiments.reset()
