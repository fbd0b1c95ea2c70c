"""`llmctl plan`."""

from pathlib import Path

import click

from cli.options import environment_option, force_unlock_option, json_option
from infra.errors import ExitCode


@click.command(name="plan")
@environment_option
@json_option
@force_unlock_option
@click.option("--markdown", is_flag=True, help="For a comment on a pull request.")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the plan in this file, for review and for `llmctl deploy --plan`.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also check the rules in this folder; exits with 6 if one denies the plan.",
)
def command(
    env: str,
    *,
    as_json: bool,
    force_unlock: str | None,
    markdown: bool,
    out: Path | None,
    policy: Path | None,
) -> int:
    """Show what a deploy would change. Exits with 2 when there are changes, with 0 when there are none."""
    from cli.context import open_workspace
    from cli.planning import checked, keep, planning
    from cli.render import emit_json
    from cli.render.plan import print_plan
    from cli.render.plan_markdown import print_markdown

    if as_json and markdown:
        raise click.UsageError("--json and --markdown: one of them")
    workspace = open_workspace(env, starts_cloud=True)
    with planning(workspace, force_unlock=force_unlock) as planned:
        report = checked(planned, policy)
        kept = keep(workspace, planned, report, out) if out and not report.is_denied else ""
    if as_json:
        emit_json(report)
    elif markdown:
        print_markdown(report, kept)
    else:
        print_plan(report)
    if kept:
        click.echo(f"plan {kept} is in {out}: `llmctl deploy --env {env} --plan {out}` applies it", err=True)
    if report.is_denied:
        return ExitCode.REFUSED
    return ExitCode.PLAN_HAS_CHANGES if report.has_changes else ExitCode.OK
