"""`upgrade`: the file's change, Terraform's plan and the rollout of one model, after one question.

The file is written before Terraform plans, because Terraform reads it; it is put back as it was unless
somebody says yes. What can be refused is refused before that.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from infra.errors import ExitCode, LlmctlError, Refused

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.environment.edit import Edit
    from infra.plan.report import PlanReport
    from infra.rollout.planning import Overrides

_RELEASE = "aws_launch_template"


def upgrade(
    workspace: "Workspace",
    model: str,
    settings: tuple[str, ...],
    overrides: "Overrides",
    *,
    yes: bool,
    detach: bool,
) -> ExitCode:
    """Change the file, apply it, and roll the model's release out."""
    from infra.environment.edit import edited

    workspace.named_models(model)
    values = _values(model, settings)
    edit = edited(workspace.path, values) if values else None
    _demand_free(workspace, model)
    changed = edit if edit is not None and edit.diff else None
    proposal = _Proposal(workspace, model, overrides, yes=yes, always=changed is not None)
    _apply(proposal, changed)
    return _roll_out(proposal, detach=detach)


def emit_state(workspace: "Workspace", model: str) -> None:
    """Write where the model's last rollout is to stdout, as JSON; null when it never had one."""
    from cli.render import emit_json
    from cli.rolling import world
    from infra.rollout.controller import look
    from infra.rollout.view import view

    progress = look(world(workspace, model), workspace.clock.time())
    emit_json(view(progress) if progress else None)


class _Proposal:
    """What is to be done, and whether somebody said yes to it."""

    def __init__(
        self, workspace: "Workspace", model: str, overrides: "Overrides", *, yes: bool, always: bool
    ) -> None:
        self.workspace = workspace
        self.model = model
        self.overrides = overrides
        self.agreed = False
        self._yes = yes
        self._always = always

    def ask(self, report: "PlanReport | None") -> None:
        """Show the rollout that would follow Terraform's changes, and ask; raises after a no."""
        from cli.ask import confirm
        from cli.rolling import prepare, show_plan

        release = self._next_release(report)
        if release is None:
            click.echo(f"{self.model}: its release doesn't change, so there is nothing to roll out", err=True)
        else:
            show_plan(self.workspace, prepare(self.workspace, self.model, self.overrides, release=release))
        if self._always or release is not None or report is not None:
            confirm(f"Do this in {self.workspace.environment.environment}?", yes=self._yes)
        self.agreed = True

    def _next_release(self, report: "PlanReport | None") -> int | None:
        """What the template's newest version will be; None when that is live."""
        facts = self.workspace.facts()
        live, newest = facts.live.get(self.model), facts.latest_releases.get(self.model, 0)
        if report is not None and _changes_release(report, self.model):
            newest += 1
        return None if live is not None and live.release == newest else newest


def _changes_release(report: "PlanReport", model: str) -> bool:
    return any(
        change.type == _RELEASE for group in report.groups if group.model == model for change in group.changes
    )


def _values(model: str, settings: tuple[str, ...]) -> Mapping[str, str]:
    """Dotted places of the file, from KEY=VALUE."""
    found = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not key or not equals:
            raise click.UsageError(f"--set {setting}: not KEY=VALUE, such as engine.version=0.11.0")
        found[f"models.{model}.{key}"] = value
    return found


def _demand_free(workspace: "Workspace", model: str) -> None:
    """Refuse while another release is on its way."""
    from infra.rollout.types import Phase

    rollout = None if workspace.cloud_is_down else workspace.runtime.rollouts().get(model)
    if rollout is None:
        return
    phase = rollout.status.phase
    if phase.ended or phase.back or phase in (Phase.KEEPING, Phase.DRAINING):
        return
    raise LlmctlError(
        f"{model}: the rollout of release {rollout.plan.new_release} goes on ({phase} at "
        f"{rollout.status.weight} %), so another one can't begin",
        hint="`llmctl promote --full` or `llmctl abort` ends it; `llmctl resume` goes on with it",
        code=ExitCode.CONFLICT,
    )


def _apply(proposal: _Proposal, edit: "Edit | None") -> None:
    """Change the file and apply what somebody says yes to; without that, the file is as it was."""
    from dataclasses import replace

    from cli.deploying import apply_changes
    from infra.environment.load import load

    if edit is not None:
        click.echo(edit.diff, err=True)
        edit.write()
    try:
        workspace = proposal.workspace
        proposal.workspace = replace(workspace, environment=load(workspace.path))
        if not apply_changes(proposal.workspace, yes=False, force_unlock=None, agree=proposal.ask):
            proposal.ask(None)
    finally:
        if edit is not None and not proposal.agreed:
            edit.undo()


def _roll_out(proposal: _Proposal, *, detach: bool) -> ExitCode:
    """The newest release of the model, if that isn't live."""
    from cli.rolling import begin, clear_away, drive_and_report, prepare
    from infra.deploy.releases import Before, Begin, Drive, move

    workspace, model = proposal.workspace, proposal.model
    match move(model, workspace.facts(), (), retry=True):
        case Begin(before=before):
            if before is not Before.NOTHING:
                clear_away(workspace, model, finish=before is Before.FINISH)
            begin(workspace, prepare(workspace, model, proposal.overrides))
        case Drive():
            pass
        case other:
            if other is not None:
                raise Refused(other.why)
            return ExitCode.OK
    if not detach:
        return drive_and_report(workspace, model)
    name = workspace.environment.environment
    click.echo(
        f"{model}: nobody drives this rollout yet: `llmctl resume --env {name} {model}` does", err=True
    )
    return ExitCode.OK
