"""Runs a chaos suite: load in a process of its own, injections and looks in this one."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.ask import confirm
from infra.errors import LlmctlError, Refused

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.chaos.drive import Inject
    from infra.chaos.report import Report
    from infra.chaos.types import Step, Suite
    from infra.environment.model import Model

_LOOK_SECONDS = 2.0
_END_SECONDS = 90.0
"""For the load to hear of its end, and to write what it measured."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a suite is run. `fis`: by AWS's Fault Injection Service, as it always is in an account."""

    rate: float
    seed: int
    fis: bool
    yes: bool


def conduct(workspace: "Workspace", suite: "Suite", name: str | None, asked: Asked) -> "Report":
    """Run a suite; raises `Refused` where it must not, click.UsageError for a model that isn't there."""
    from infra.chaos.cloud import Replicas
    from infra.chaos.drive import drive
    from infra.chaos.report import Subject, report

    environment = workspace.environment
    name, model = _model(environment.models, name)
    in_account = environment.provider.name != "embedded"
    inject = (
        _by_fis(workspace, suite, name) if asked.fis or in_account else _embedded(workspace, suite, model)
    )
    workspace.observe_deployed()
    if in_account:
        confirm(f"Let AWS take spot instances of {name} in {environment.environment}?", yes=asked.yes)
    target = Replicas(workspace.observe, name, max(model.replicas.min, 1))
    with _load(workspace.path, name, asked.rate, suite.seconds) as measured:
        story = drive(
            suite, target, inject, workspace.clock, seed=asked.seed, every=_LOOK_SECONDS, watch=_say
        )
    price = model.instances.price
    subject = Subject(
        environment=environment.environment,
        model=name,
        seed=asked.seed,
        prices=(price.spot, price.on_demand) if price else None,
    )
    return report(suite, subject, story, measured)


def _embedded(workspace: "Workspace", suite: "Suite", model: "Model") -> "Inject":
    from infra.chaos.cloud import EmbeddedInject
    from infra.embedded.client import Cloud

    name = workspace.environment.environment
    cloud = Cloud.locate(name)
    if cloud is None:
        raise Refused(f"{name} is not deployed", hint="`llmctl deploy` first")
    _check_traces(suite, model.instances.zones)
    return EmbeddedInject(cloud, model.instances.zones)


def _by_fis(workspace: "Workspace", suite: "Suite", model: str) -> "Inject":
    from infra.aws.experiments import Experiments
    from infra.chaos.experiments import ExperimentInject, check

    environment = workspace.environment
    check(suite)
    if not environment.chaos.allow:
        raise Refused(
            f"{workspace.path} doesn't allow chaos in {environment.environment}",
            hint="set `chaos: {allow: true}` in it and `llmctl deploy`, or rehearse on the embedded cloud",
        )
    experiments = Experiments(workspace.session, environment.environment, model)
    return ExperimentInject(experiments, workspace.clock)


def _model(models: "Mapping[str, Model]", name: str | None) -> "tuple[str, Model]":
    if name is None and len(models) > 1:
        raise click.UsageError(f"several models: choose one by --model: {', '.join(models)}")
    chosen = name or next(iter(models))
    if chosen not in models:
        raise click.UsageError(f"there is no model {chosen}; there are {', '.join(models)}")
    return chosen, models[chosen]


def _check_traces(suite: "Suite", zones: tuple[str, ...]) -> None:
    from infra.chaos.types import Market

    for step in suite.steps:
        trace = step.do.trace if isinstance(step.do, Market) else ()
        if trace and len(trace[0][1]) < len(zones):
            raise Refused(
                f"the trace of {suite.name} has {len(trace[0][1])} zones, the model {len(zones)}",
                hint="fewer `instances.zones`, or another trace: its first zones stand for the model's",
            )


def _say(step: "Step") -> None:
    click.echo(f"{step.at:5.0f} s  {step.do.words}", err=True)


@contextmanager
def _load(file: Path, model: str, rate: float, seconds: float) -> Iterator[dict[str, Any]]:
    """`llmctl bench` for as long as the block takes; afterwards what is yielded has its document."""
    from infra.embedded.processes import spawn

    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="llmctl-chaos-") as folder:
        output, log = Path(folder, "bench.json"), Path(folder, "bench.log")
        command = [
            *(sys.executable, "-c", "from cli.app import main; main()", "bench", model, "--env", str(file)),
            *("--rate", f"{rate:g}", "--duration", f"{seconds + _END_SECONDS:g}s", "--warmup", "0s"),
            *("--output", str(output)),
        ]
        with log.open("wb") as said:
            process = spawn(command, environment=os.environ, directory=Path.cwd(), output=said)
        try:
            yield measured
            process.send_signal(signal.SIGINT)
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            raise LlmctlError("the load did not end") from None
        finally:
            process.kill()
            process.wait()
        if not output.is_file():
            raise LlmctlError(f"the load failed: {log.read_text().strip()}")
        measured.update(json.loads(output.read_text()))
