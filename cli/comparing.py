"""What `compare` compares: two slots of a model, each with a release that answers; and how.

The prompts and the scorer are those of the environment file, unless the command line names others.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import ExitCode, LlmctlError, Refused

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.deploy.types import SlotState
    from infra.environment.rollout import Quality
    from infra.environment.slots import Slot
    from infra.quality.client import Endpoint
    from infra.quality.compare import Comparison, Release
    from infra.quality.evaluate import Case
    from infra.quality.prompts import GoldenPrompt
    from infra.rollout.types import Verdict

_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class ScorerOptions:
    """What the command line says of the scorer; None: as the file says."""

    scorer: str | None = None
    url: str | None = None
    model: str | None = None
    api_key_env: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the releases are asked."""

    releases: tuple[int, int] | None
    """Old and new; None: the older number is the old one."""
    prompts: Path | None
    scorer: ScorerOptions
    rate: float
    """Prompts a second to each release."""
    timeout: float
    """Seconds for an answer."""


def run(
    workspace: "Workspace",
    model: str,
    settings: Settings,
    watching: "Callable[[int], Callable[[Case], None]]",
) -> "Comparison":
    """Ask both releases and compare; `watching` is told how many prompts there are, and then sees each.

    Raises `Refused`, before anything is asked, for what can't be compared.
    """
    from infra.quality.client import Endpoint
    from infra.quality.compare import Subject, compare, gate_of
    from infra.quality.prompts import load
    from infra.quality.scorers import scorable

    environment, section = workspace.environment, workspace.environment.models[model].rollout
    quality = quality_of(section.golden.quality if section.golden else None, settings.scorer)
    file = _prompts_file(workspace, model, settings.prompts)
    prompts = load(file)
    scored = scorable(quality.scorer, prompts, str(file))
    url, slots = _slots(workspace, model)
    old, new = sides(model, slots, settings.releases)
    key = workspace.api_key.read() if environment.endpoint.auth == "api-key" else None
    endpoint = Endpoint(url=url, model=model, api_key=key)
    subject = Subject(
        environment=environment.environment,
        model=model,
        old=old,
        new=new,
        scorer=quality.scorer,
        prompts=str(file),
        skipped=len(prompts) - len(scored),
    )
    asked = _asked(endpoint, quality, settings, scored, (old.slot, new.slot), watching(len(scored)))
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return compare(subject, asyncio.run(asked), gate_of(section.gates.quality), at=at)


async def _asked(
    endpoint: "Endpoint",
    quality: "Quality",
    settings: Settings,
    prompts: "Sequence[GoldenPrompt]",
    slots: "tuple[Slot, Slot]",
    watch: "Callable[[Case], None]",
) -> "tuple[Case, ...]":
    from infra.quality.evaluate import evaluate
    from infra.quality.pacing import Pace
    from infra.quality.tools import tools

    opened = tools(endpoint, quality, os.environ, timeout=settings.timeout)
    async with opened() as ready:
        assert ready.scorer is not None
        pace = Pace(at_once=_AT_ONCE, rate=settings.rate)
        return await evaluate(prompts, slots, ready.ask, ready.scorer, pace=pace, watch=watch)


def chosen_model(workspace: "Workspace", model: str | None) -> str:
    """That model, default: the environment's default model. Raises `Refused` when there is none."""
    name = model or workspace.environment.default_model
    if name is None:
        env, models = workspace.environment.environment, ", ".join(workspace.environment.models)
        raise Refused(f"{workspace.path}: which model?", hint=f"`llmctl compare --env {env} MODEL`: {models}")
    return workspace.named_models(name)[0]


def quality_of(configured: "Quality | None", options: ScorerOptions) -> "Quality":
    """The file's scorer with what the command line says instead. Raises `Refused` when there is none."""
    from infra.environment.rollout import Quality

    scorer = options.scorer or (configured.scorer if configured else None)
    if scorer is None:
        raise Refused(
            "nothing says how answers are scored",
            hint="--scorer NAME, or rollout.golden.quality in the environment file",
        )
    return Quality(
        scorer=scorer,  # type: ignore[arg-type]
        url=options.url or (configured.url if configured else None),
        model=options.model or (configured.model if configured else None),
        api_key_env=options.api_key_env or (configured.api_key_env if configured else None),
    )


def sides(
    model: str, slots: "tuple[SlotState, ...]", releases: tuple[int, int] | None
) -> "tuple[Release, Release]":
    """Old and new. Raises `Refused` unless each slot answers with one release, and those are meant."""
    found = {release.release: release for release in (_side(model, slot) for slot in slots)}
    if len(found) < len(slots):
        raise Refused(f"{model}: both slots have release {next(iter(found))}: there is nothing to compare")
    old, new = releases or (min(found), max(found))
    if {old, new} != found.keys():
        raise Refused(
            f"{model}: releases {old} and {new} aren't the two that answer",
            hint="there are " + " and ".join(f"{each} ({found[each].slot})" for each in sorted(found)),
        )
    return found[old], found[new]


def verdict_code(verdict: "Verdict") -> ExitCode:
    """How the command ends."""
    from infra.rollout.types import Answer

    return {
        Answer.PASS: ExitCode.OK,
        Answer.FAIL: ExitCode.FAILED,
        Answer.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    }[verdict.answer]


def save(found: "Comparison", path: Path) -> None:
    """Write the report, as HTML or JSON by the file's name; raises LlmctlError when that fails."""
    import msgspec

    from infra.quality.report import html

    if path.suffix == ".json":
        content = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    else:
        content = html(found).encode()
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LlmctlError(f"--output {path}: {error}", hint="choose a file that you may write") from error


def _side(model: str, slot: "SlotState") -> "Release":
    from infra.deploy.types import Phase
    from infra.quality.compare import Release

    serving = {replica.release for replica in slot.replicas if replica.phase is Phase.HEALTHY}
    if not serving:
        raise Refused(
            f"{model}: {slot.slot} has no healthy replica, and both releases must answer",
            hint="compare while a rollout goes on, or in the time afterwards in which the old one is kept",
        )
    if serving != {slot.release}:
        raise Refused(
            f"{model}: replicas of {slot.slot} are of several releases", hint="wait until it has changed over"
        )
    return Release(slot=slot.slot, release=slot.release)


def _prompts_file(workspace: "Workspace", model: str, chosen: Path | None) -> Path:
    golden = workspace.environment.models[model].rollout.golden
    if chosen is not None:
        return chosen
    if golden is None:
        raise Refused(
            f"{workspace.path}: {model} has no golden prompts",
            hint="--prompts FILE, or rollout.golden in the environment file; docs/golden.md has the format",
        )
    return workspace.path.parent / golden.prompts


def _slots(workspace: "Workspace", model: str) -> "tuple[str, tuple[SlotState, ...]]":
    for state in workspace.observe_deployed().models:
        if state.name == model:
            return state.url, state.slots
    raise Refused(f"{model} is not deployed", hint="`llmctl deploy` deploys it")
