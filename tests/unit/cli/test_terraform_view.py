"""What people see while Terraform works."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from cli.render import terraform
from infra.terraform.events import ApplyComplete, ApplyStarted, Notice, PlannedChange, Summary


def test_bar_counts_each_resource_once() -> None:
    """Terraform repeats the plan when it applies it; the total is the plan's all the same."""
    bar = Progress(console=Console(file=io.StringIO()))
    show = terraform._Live(bar)
    for _ in range(2):
        show(PlannedChange("aws_vpc.a", "aws_vpc", "create"))
        show(Summary("plan", 1, 0, 0))
    show(ApplyStarted("aws_vpc.a", "create"))
    show(ApplyComplete("aws_vpc.a", "create", 1))
    bar.stop()
    assert (bar.tasks[0].completed, bar.tasks[0].total) == (1, 1)


def test_plain_lines_tell_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal each finished resource is a line, and so is what the runner has to say."""
    terraform._plain(ApplyComplete("aws_vpc.a", "create", 10))
    terraform._plain(Notice("released lock x"))
    assert capsys.readouterr().err == "created aws_vpc.a (10 s)\nreleased lock x\n"
