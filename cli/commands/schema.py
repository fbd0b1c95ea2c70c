"""`llmctl schema`."""

import click


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of environment files, as environments/schema.json holds it."""
    from infra.environment.schema import text

    click.echo(text(), nl=False)
