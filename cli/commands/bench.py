"""`llmctl bench`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cli.options import DURATION, LENGTH, NumberType, json_option

if TYPE_CHECKING:
    from cli.benching import Subject
    from infra.bench.objective import Objective
    from infra.bench.report import Settings

_RATE = NumberType(min=0, min_open=True, max=100_000)
_COUNT = click.IntRange(min=1)
_DEFAULT_DURATION = 60.0


class ObjectiveType(click.ParamType["Objective"]):
    """MEASURE=TIME, such as ttft=500ms."""

    name = "objective"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Objective":
        """The objective; a usage error for anything else."""
        from infra.bench.objective import parse

        try:
            return parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(name="bench")
@click.argument("model", required=False)
@click.option("--env", "-e", envvar="LLMCTL_ENV", metavar="NAME", help="Measure this environment's endpoint.")
@click.option("--url", help="Measure any OpenAI-compatible API instead, such as http://127.0.0.1:8000/v1.")
@click.option("--model", "model_option", metavar="NAME", help="The model to ask for, with --url.")
@click.option("--api-key-env", metavar="VAR", help="Variable that holds the key, with --url.")
@click.option("--rate", type=_RATE, default=5, show_default=True, help="Requests per second.")
@click.option(
    "--arrivals",
    type=click.Choice(["constant", "poisson"]),
    default="constant",
    show_default=True,
    help="Evenly, or as independent users come.",
)
@click.option("--duration", type=LENGTH, help="Length of the measured window.  [default: 60s]")
@click.option("--requests", type=_COUNT, metavar="N", help="End the window after so many requests.")
@click.option("--warmup", type=DURATION, default="10s", show_default=True, help="Before it, not counted.")
@click.option("--prompts", type=click.Path(path_type=Path), metavar="FILE", help="JSONL; default: built in.")
@click.option("--max-tokens", type=_COUNT, default=64, show_default=True, help="Longest answer.")
@click.option("--stream/--no-stream", default=True, show_default=True, help="Take answers token by token.")
@click.option("--timeout", type=LENGTH, default="60s", show_default=True, help="For a whole answer.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of arrivals and prompts.")
@click.option("--max-in-flight", type=_COUNT, metavar="N", help="Hold more requests back; counted as delay.")
@click.option("--group-by", metavar="HEADER", help="Break down by a header of the responses.")
@click.option(
    "--slo",
    "objectives",
    type=ObjectiveType(),
    multiple=True,
    metavar="MEASURE=TIME",
    help="ttft=500ms, tpot=50ms, e2e=2s; repeatable.",
)
@click.option(
    "--max-failures",
    type=NumberType(0, 100),
    metavar="PERCENT",
    help="Exit with 1 when a larger share fails.",
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Also write the JSON here."
)
@json_option
def command(
    model: str | None,
    env: str | None,
    url: str | None,
    model_option: str | None,
    api_key_env: str | None,
    prompts: Path | None,
    max_failures: float | None,
    output: Path | None,
    *,
    as_json: bool,
    **settings: Any,
) -> int:
    """Load an endpoint on a fixed schedule and measure it: of an environment's MODEL, or of --url.

    Requests leave when they are due, whether or not earlier ones were answered, so that a stall of the server
    shows. Exits with 5 when nothing could be measured.
    """
    from cli.benching import measure, prompts_of, verdict
    from cli.render import emit_json
    from cli.render.bench import print_report, save

    if model and model_option:
        raise click.UsageError("MODEL and --model: once is enough")
    source = prompts_of(prompts, seed=settings["seed"], max_tokens=settings["max_tokens"])
    subject = _subject(env, url, model or model_option, api_key_env)
    report = measure(subject, _settings(prompts, **settings), source)
    if output:
        save(report, output)
    emit_json(report) if as_json else print_report(report)
    return verdict(report, max_failures)


def _subject(env: str | None, url: str | None, model: str | None, api_key_env: str | None) -> "Subject":
    from cli.benching import of_environment, of_url
    from cli.context import open_workspace

    chosen = click.get_current_context().get_parameter_source("env") is ParameterSource.COMMANDLINE
    if url and env and chosen:
        raise click.UsageError("either --env or --url: which one is measured?")
    if url:
        return of_url(url, model, api_key_env)
    if not env:
        raise click.UsageError("--env NAME or --url URL: what is measured?")
    if api_key_env:
        raise click.UsageError("--api-key-env goes with --url: an environment has its own key")
    return of_environment(open_workspace(env), model)


def _settings(
    prompts: Path | None, *, arrivals: str, duration: float | None, requests: int | None, **others: Any
) -> "Settings":
    """The other options are named like the settings."""
    from infra.bench.report import Settings
    from infra.bench.schedule import Arrivals

    if duration is None and requests is None:
        duration = _DEFAULT_DURATION
    return Settings(
        arrivals=Arrivals(arrivals),
        duration=duration,
        requests=requests,
        prompts=str(prompts) if prompts else "built-in",
        **others,
    )
