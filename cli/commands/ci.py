"""`llmctl ci`: what the workflows call. Made for jobs: nothing asks."""

from pathlib import Path

import click

from cli.options import json_option
from cli.options_ci import author_option, body_option, name_option, pull_option, role_option

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(name="ci")
def command() -> None:
    """Review, deploy and watch environments from CI jobs (docs/ci.md).

    On GitHub the job needs GITHUB_TOKEN and the permissions that each command names; what else it needs to
    know, the runner tells. On GitLab: GITLAB_TOKEN, of a project access token with the scope `api`.
    """


@command.command()
@click.option("--base", metavar="REF", help="What HEAD is compared with; default: what the job's event says.")
@click.option("--all", "every", is_flag=True, help="Also those of the embedded cloud.")
@json_option
def environments(base: str | None, *, every: bool, as_json: bool) -> None:
    """List the environments that a change may change, as JSON for a job matrix.

    Those whose files changed; every one when shared code or locks did, and when there is nothing to compare
    with (a schedule). On GitHub also the step's output `environments`. Needs `contents: read`, and the base
    in the checkout: `fetch-depth: 0` (2 for pull requests).
    """
    from cli.in_ci import affected, tell_affected

    tell_affected(affected(base, every=every), as_json=as_json)


@command.command()
@name_option
@body_option(required=True)
@pull_option
@author_option
def comment(env: str, body: Path, pull: int | None, author: str | None) -> None:
    """Keep exactly one comment about an environment on the pull request, with the text of a file.

    Found again by a hidden mark, and only among our own. Long texts are folded, and cut at what a comment may
    hold. Needs `pull-requests: write`.
    """
    from cli.in_ci import post_comment

    post_comment(env, body, pull, author)


@command.command()
@name_option
@body_option(required=False)
@click.option("--close", is_flag=True, help="There is no drift any more.")
@author_option
def issue(env: str, body: Path | None, *, close: bool, author: str | None) -> None:
    """Keep one open issue about an environment's drift with the text of a file, or close it.

    It has the label `llmctl-drift`, which is made when missing. Needs `issues: write`. GitHub only.
    """
    from cli.in_ci import keep_issue

    if (body is None) is not close:
        raise click.UsageError("either --body FILE or --close")
    keep_issue(env, body, author)


@command.command()
@name_option
@click.option("--out", "-o", type=_FILE, required=True, help="Where the plan archive goes.")
@click.option("--commit", metavar="SHA", help="On the deployed branch; default: the job's.")
@click.option("--branch", metavar="NAME", help="The deployed branch; default: the job's.")
@click.option(
    "--workflow", metavar="FILE", default="plan.yml", show_default=True, help="The workflow that plans."
)
@click.option("--unreviewed", is_flag=True, help="Also a plan that nobody approved on the pull request.")
@json_option
def approved(
    env: str,
    out: Path,
    commit: str | None,
    branch: str | None,
    workflow: str,
    *,
    unreviewed: bool,
    as_json: bool,
) -> None:
    """Fetch the plan archive that was reviewed with the pull request which was merged as this commit.

    Refuses (exit code 6) plans of forks, of other commits, made after the last approval, or made while the
    branch was open in another pull request. Needs `actions: read` and `pull-requests: read`. GitHub only.
    """
    from cli.in_ci import fetch_approved

    fetch_approved(
        env, out, commit=commit, branch=branch, workflow=workflow, unreviewed=unreviewed, as_json=as_json
    )


@command.command()
@role_option
def login(role: str) -> None:
    """Let the following steps act with a role in AWS, as long as the job lasts. No key is kept anywhere.

    Writes an AWS configuration to RUNNER_TEMP, and names it to them (AWS_CONFIG_FILE). Needs
    `id-token: write`, and a role that trusts this repository (docs/ci.md). GitHub only.
    """
    from cli.in_ci import log_in

    log_in(role)


@command.command()
@role_option
def credentials(role: str) -> None:
    """Print an hour's credentials of a role: AWS's tools call this after `ci login`.

    Needs `id-token: write`. GitHub only.
    """
    from cli.in_ci import role_credentials
    from cli.render import emit_json

    emit_json(role_credentials(role))
