"""`--synthetic zones=3,days=30`: the parameters of a drawn trace on the command line."""

from dataclasses import fields
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from infra.simulate.synthetic import Parameters


class DrawingType(click.ParamType["Parameters"]):
    """NAME=NUMBER,...; names that aren't there keep their defaults."""

    name = "parameters"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Parameters":
        """The parameters; a usage error for what can't be."""
        from infra.simulate.synthetic import Parameters

        known = {field.name: field.type for field in fields(Parameters)}
        given: dict[str, float] = {}
        for pair in filter(None, str(value).split(",")):
            name, _, number = pair.partition("=")
            if name not in known:
                self.fail(f"{name!r} is none of {', '.join(known)}", param, ctx)
            try:
                given[name] = int(number) if known[name] in (int, "int") else float(number)
            except ValueError:
                self.fail(f"{name} is a number, not {number!r}", param, ctx)
        try:
            return Parameters(**given)  # type: ignore[arg-type]
        except ValueError as error:
            self.fail(str(error), param, ctx)
