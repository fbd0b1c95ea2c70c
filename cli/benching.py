"""What `bench` measures: an environment's model, or any URL; and with which prompts.

The key comes from the environment's secret or from a variable, never from the command line, which every
process on the machine can read.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.render.bench import showing
from infra.bench.prompts import Prompt, built_in, from_lines
from infra.bench.report import Release, Report, Settings, Target
from infra.errors import ExitCode, Refused

if TYPE_CHECKING:
    from cli.context import Workspace


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is measured, with what only the run may know."""

    target: Target
    api_key: str | None
    releases: Callable[[], tuple[Release, ...]] = lambda: ()
    """The releases that take traffic now."""


def of_url(url: str, model: str | None, api_key_env: str | None) -> Subject:
    """Any server; `url` is its API's base. Raises `Refused` for what can't work."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.query
    except ValueError:
        usable = False
    if not usable:
        raise Refused(
            f"--url {url}: not a base URL",
            hint="such as http://127.0.0.1:8000/v1, as OpenAI's clients want it",
        )
    if parts.username or parts.password:
        raise Refused("--url: a URL with a password in it is seen by all", hint="use --api-key-env")
    if not model:
        raise Refused(f"--url {url}: which model?", hint="--model NAME; `curl URL/models` lists them")
    key = None
    if api_key_env and not (key := os.environ.get(api_key_env)):
        raise Refused(f"--api-key-env {api_key_env}: this variable is not set")
    if key and not (key.isascii() and key.isprintable()):
        raise Refused(
            f"--api-key-env {api_key_env}: its value can't be sent in a header",
            hint="letters, digits and signs of ASCII; is there a line break in it?",
        )
    return Subject(target=Target(url=url.rstrip("/"), model=model), api_key=key)


def of_environment(workspace: "Workspace", model: str | None) -> Subject:
    """A model of a deployed environment, default: its default model. Raises `Refused` when there is none."""
    environment = workspace.environment
    name = model or environment.default_model
    if name is None:
        raise Refused(
            f"{workspace.path}: which model?",
            hint=f"`llmctl bench --env {environment.environment} MODEL`: {', '.join(environment.models)}",
        )
    (name,) = workspace.named_models(name)
    states = [state for state in workspace.observe_deployed().models if state.name == name]
    if not states:
        raise Refused(f"{environment.environment}: {name} is not deployed", hint="`llmctl deploy` deploys it")
    return Subject(
        target=Target(url=states[0].url, model=name, environment=environment.environment),
        api_key=workspace.api_key.read() if environment.endpoint.auth == "api-key" else None,
        releases=lambda: _releases(workspace, name),
    )


def prompts_of(file: Path | None, *, seed: int, max_tokens: int) -> Iterator[Prompt]:
    """The file's prompts, or the built-in ones. Raises `Refused` for a file that can't be read or used."""
    if file is None:
        return built_in(seed, max_tokens)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"--prompts {file}: {error}") from error
    return from_lines(text, place=str(file), max_tokens=max_tokens)


def measure(subject: Subject, settings: Settings, prompts: Iterator[Prompt]) -> Report:
    """Run it, with progress on stderr."""
    from infra.bench.run import bench

    with showing() as watch:
        return bench(
            subject.target,
            settings,
            prompts,
            api_key=subject.api_key,
            watch=watch,
            releases=subject.releases,
        )


def verdict(report: Report, max_failures: float | None) -> ExitCode:
    """How the command ends: too many failures, nothing (or not all) measured, or done."""
    if max_failures is not None and report.failed_percent > max_failures:
        return ExitCode.FAILED
    if report.interrupted or not report.requests.succeeded:
        return ExitCode.INCONCLUSIVE
    return ExitCode.OK


def _releases(workspace: "Workspace", model: str) -> tuple[Release, ...]:
    return tuple(
        Release(slot=slot.slot, release=slot.release, weight=slot.weight)
        for state in workspace.observe().models
        if state.name == model
        for slot in state.slots
        if slot.weight
    )
