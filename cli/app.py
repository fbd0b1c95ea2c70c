"""The entry point, and the one place where errors become text and exit codes.

Commands are imported only when they run: `llmctl --help` must stay under 0.2 s, and neither cdktf nor boto3
may load for it. Each command lives in `cli/commands/<name>.py` as an attribute called `command`.
"""

import importlib
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from infra.errors import ExitCode, LlmctlError
from infra.paths import state_directory

COMMANDS = {
    "init": "Write a commented environment file to start from.",
    "validate": "Check environment files; all errors at once.",
    "schema": "Print the JSON Schema of environment files.",
    "doctor": "Show what llmctl needs, what it found, and what to do.",
    "bootstrap": "Create the bucket that holds the Terraform state.",
    "synth": "Write the Terraform configuration of an environment.",
    "plan": "Show what a deploy would change.",
    "cost": "Show what an environment costs by the month, before it is deployed.",
    "drift": "Show how the cloud differs from the file, and who moved it.",
    "deploy": "Create or update an environment and wait until it serves.",
    "upgrade": "Change a model and roll its new release out, step by step.",
    "promote": "Go on to a rollout's next step now, or to 100 %.",
    "pause": "Hold a rollout where it is.",
    "resume": "Go on with a rollout, from any machine.",
    "abort": "Take a rollout back.",
    "rollback": "Go back to the previous release, or to another one.",
    "rollout": "Show rollouts: status, history, report.",
    "status": "Show models, slots, releases, weights and replicas.",
    "metrics": "Show traffic, latency, tokens, load and cost of models and releases.",
    "events": "Show who did what, and what became of replicas.",
    "dashboard": "Serve a local web page: traffic, replicas, alarms, charts.",
    "logs": "Show the logs of engines and agents.",
    "samples": "List and fetch captured requests and answers.",
    "bench": "Load an endpoint on a fixed schedule and measure it.",
    "simulate": "Replay spot capacity against policies: availability and cost.",
    "chaos": "Take things away from a running environment, and measure.",
    "compare": "Ask both releases of a model the golden prompts and compare the answers.",
    "export": "Write alarms for Prometheus, dashboards for Grafana.",
    "api-key": "Print the API key of an environment's endpoint.",
    "inventory": "List what exists, with age and price; what crashed runs left.",
    "destroy": "Take an environment down and prove that nothing is left.",
    "ci": "Review, deploy and watch environments from CI jobs.",
    "reap": "Destroy environments whose time is over, without their files.",
    "local": "Run the embedded cloud on this machine.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are invoked, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a working day, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cli.commands.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As usual, but an unknown name is answered with the names that are close to it."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List names and summaries without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="llmctl-toolkit", prog_name="llmctl")
def llmctl() -> None:
    """Self-hosted LLM inference on cloud GPU spot instances.

    Everything follows from one file: environments/NAME.yaml. Try it without an account:

        llmctl deploy --env local
    """


def main() -> NoReturn:
    """Run the command line and exit with a code of the table in `infra.errors`."""
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Run one command line; every failure becomes text on stderr and an exit code."""
    try:
        result = llmctl.main(args, prog_name="llmctl", standalone_mode=False)
    except LlmctlError as error:
        return _report(error.message, error.hint, error.code)
    except click.UsageError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        return _report(error.format_message(), "", ExitCode.FAILED)
    except (click.Abort, KeyboardInterrupt):
        return _report("interrupted", "run the same command again to go on", ExitCode.FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.OK
    except Exception:  # noqa: BLE001 - the last resort: a bug must not end in a traceback on the terminal
        return _report_bug()
    return result if isinstance(result, int) else ExitCode.OK


def _report(message: str, hint: str, code: ExitCode) -> int:
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True)
    if hint:
        click.echo(click.style("hint:  ", fg="cyan") + hint, err=True)
    return code


def _report_bug() -> int:
    details = traceback.format_exc()
    try:
        hint = f"the details are in {_write_crash_report(details)}; please report them"
    except OSError as error:
        hint = f"please report it, with these details (they could not be saved: {error}):\n{details}"
    return _report(f"llmctl failed in a way it should not: {sys.exception()!r}", hint, ExitCode.FAILED)


def _write_crash_report(details: str) -> Path:
    folder = state_directory() / "crashes"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.txt"
    path.write_text(details)
    return path
