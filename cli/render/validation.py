"""What `validate` found: problems and advice as lines that an editor can jump to."""

import click

from infra.environment.report import Report


def print_report(report: Report) -> None:
    """Errors and advice to stderr, the verdict to stdout."""
    for problem in report.problems:
        click.echo(click.style("error: ", fg="red", bold=True) + problem.render(), err=True)
    for advice in report.advice:
        click.echo(click.style("advice: ", fg="yellow") + advice.render(), err=True)
    if report.valid:
        click.echo(f"{report.path}: valid, {_count(len(report.models), 'model')}")
    else:
        click.echo(f"{report.path}: {_count(len(report.problems), 'error')}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
