"""`llmctl compare`."""

from pathlib import Path

import click

from cli.options import LENGTH, NumberType, environment_option, json_option

_SCORERS = ("exact", "regex", "json_schema", "rouge_l", "embedding", "judge")
_RATE = NumberType(min=0, min_open=True, max=100)


class ReleasesType(click.ParamType[tuple[int, int]]):
    """OLD:NEW, two numbers of releases."""

    name = "releases"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Both numbers; a usage error for anything else."""
        old, found, new = str(value).partition(":")
        if not found or not (old.isdecimal() and new.isdecimal()) or old == new:
            self.fail(f"{value!r} is not OLD:NEW, such as 3:4", param, ctx)
        return int(old), int(new)


@click.command(name="compare")
@environment_option
@click.argument("model", required=False)
@click.option(
    "--releases",
    type=ReleasesType(),
    metavar="OLD:NEW",
    help="Which is judged against which.  [default: the higher number against the lower]",
)
@click.option(
    "--prompts",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="JSONL.  [default: the file's golden prompts]",
)
@click.option("--scorer", type=click.Choice(_SCORERS), help="How answers are scored.  [default: the file's]")
@click.option("--scorer-url", metavar="URL", help="OpenAI-compatible base URL for embedding and judge.")
@click.option("--scorer-model", metavar="NAME", help="The model to ask there.")
@click.option("--scorer-key-env", metavar="VAR", help="Variable that holds that URL's key.")
@click.option("--rate", type=_RATE, default=5, show_default=True, help="Prompts a second to each release.")
@click.option("--timeout", type=LENGTH, default="2m", show_default=True, help="For a whole answer.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a report: FILE.html or FILE.json.",
)
@json_option
def command(
    env: str,
    model: str | None,
    releases: tuple[int, int] | None,
    prompts: Path | None,
    scorer: str | None,
    scorer_url: str | None,
    scorer_model: str | None,
    scorer_key_env: str | None,
    rate: float,
    timeout: float,
    output: Path | None,
    *,
    as_json: bool,
) -> int:
    """Ask both releases of MODEL the golden prompts and compare the answers.

    Both slots need a healthy replica: during a rollout, or while it keeps the old release. Exits with 0 when
    the quality gate passes, 1 when the new release answers worse, 5 when it can't be told.
    """
    from cli.comparing import ScorerOptions, Settings, chosen_model, run, save, verdict_code
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.compare import print_comparison, showing

    if output and output.suffix not in (".html", ".json"):
        raise click.BadParameter("the report is a .html or a .json", param_hint="--output")
    workspace = open_workspace(env)
    chosen = ScorerOptions(scorer=scorer, url=scorer_url, model=scorer_model, api_key_env=scorer_key_env)
    settings = Settings(releases=releases, prompts=prompts, scorer=chosen, rate=rate, timeout=timeout)
    with showing() as watching:
        found = run(workspace, chosen_model(workspace, model), settings, watching)
    if output:
        save(found, output)
    emit_json(found) if as_json else print_comparison(found)
    return verdict_code(found.verdict)
