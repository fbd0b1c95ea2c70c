"""The bindings' generator: from a schema to classes."""

import ast
from typing import Any

import pytest

from modules.bindings import render
from modules.bindings.generate import FOLDER, modules
from modules.bindings.render import DATA_SOURCE, RESOURCE
from modules.bindings.schema import resource
from modules.bindings.types import DATA_SOURCES, RESOURCES

SCHEMA: dict[str, Any] = {
    "block": {
        "attributes": {
            "name": {"type": "string", "required": True, "description": 'What it\'s "called". More.'},
            "size": {"type": "number", "optional": True},
            "ports": {"type": ["set", "number"], "optional": True},
            "labels": {"type": ["map", "string"], "optional": True},
            "arn": {"type": "string", "computed": True},
            "id": {"type": "string", "optional": True, "computed": True},
            "old": {"type": "string", "optional": True, "deprecated": True},
            "open": {"type": ["set", ["object", {"x": "string"}]], "optional": True},
        },
        "block_types": {
            "disk": {
                "nesting_mode": "list",
                "block": {
                    "attributes": {
                        "id": {"type": "string", "required": True},
                        "kind": {"type": "string", "required": True},
                    }
                },
            },
            "meta": {
                "nesting_mode": "list",
                "max_items": 1,
                "min_items": 1,
                "block": {"attributes": {"on": {"type": "bool", "optional": True}}},
            },
        },
    }
}


def _source(kind: render.Kind = RESOURCE, schema: dict[str, Any] = SCHEMA) -> str:
    return render.element(resource("aws_some_thing", schema), kind, "hashicorp/aws", "1.2.3")


def _arguments(source: str) -> dict[str, tuple[str, bool]]:
    """Annotation of each keyword argument and whether it is required."""
    (thing,) = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("SomeThing")
    ]
    (init,) = [each for each in thing.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    return {
        argument.arg: (ast.unparse(argument.annotation), default is None)
        for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
        if argument.annotation
    }


def test_arguments_are_typed() -> None:
    """Each argument is keyword-only with the type of the schema; only required ones must be given."""
    given = _arguments(_source())
    assert given["name"] == ("str", True)
    assert given["size"] == ("Number | None", False)
    assert given["ports"] == ("Numbers | None", False)
    assert given["labels"] == ("StringMap | None", False)
    assert given["open"] == ("Anything | None", False)
    assert given["disk"] == ("Sequence[Disk] | None", False)
    assert given["meta"] == ("Meta", True)


def test_left_out() -> None:
    """What is deprecated, or what only the provider sets, can't be given."""
    assert not {"old", "id", "arn"} & _arguments(_source()).keys()


def test_names_inside_blocks_are_given() -> None:
    """An `id` that the provider doesn't make, such as a metric query's, is an argument like any other."""
    assert "    id: Required[str]" in _source()


def test_attributes_are_properties() -> None:
    """What the provider computes can be referred to; a plain argument need not be."""
    source = _source()
    for name in ("arn", "id", "name"):
        assert f"def {name}(self) -> Reference" in source
    assert "def size(self)" not in source


def test_descriptions_become_docstrings() -> None:
    """The first sentence of a description survives, in quotes that don't end the docstring."""
    assert "name: What it's 'called'." in _source()


def test_data_sources_have_no_lifecycle() -> None:
    """A data source has a class of its own name, without arguments that make no sense for it."""
    source = _source(DATA_SOURCE)
    assert "class DataSomeThing(DataSource):" in source
    assert "lifecycle" not in source


def test_collision_with_terraform_is_refused() -> None:
    """An argument that is called like one of Terraform's own would hide it."""
    schema = {"block": {"attributes": {"lifecycle": {"type": "string", "optional": True}}}}
    with pytest.raises(NotImplementedError, match="lifecycle"):
        _source(schema=schema)


def test_unknown_nesting_is_refused() -> None:
    """What the generator doesn't know it doesn't guess."""
    schema = {"block": {"block_types": {"x": {"nesting_mode": "map", "block": {}}}}}
    with pytest.raises(NotImplementedError, match="map"):
        _source(schema=schema)


def test_missing_type_is_an_error() -> None:
    """A type that the provider doesn't have stops the generator instead of leaving an old class behind."""
    empty: dict[str, Any] = {"provider": {"block": {}}, "resource_schemas": {}, "data_source_schemas": {}}
    with pytest.raises(KeyError):
        modules({"provider_schemas": {"registry.terraform.io/hashicorp/aws": empty}}, "1.2.3")


def test_folder_holds_exactly_the_listed_types() -> None:
    """There is one module for each type on the list, and no other."""
    expected = {render.module_name(name, RESOURCE) for name in RESOURCES}
    expected |= {render.module_name(name, DATA_SOURCE) for name in DATA_SOURCES}
    assert {path.stem for path in FOLDER.glob("*.py")} == expected | {"__init__", "provider"}


def test_every_listed_type_is_used() -> None:
    """A class that no construct uses has no reason to be there."""
    code = "".join(
        path.read_text()
        for folder in ("modules", "stacks")
        for path in (FOLDER.parents[2] / folder).rglob("*.py")
        if FOLDER not in path.parents
    )
    names = [(RESOURCE, name) for name in RESOURCES] + [(DATA_SOURCE, name) for name in DATA_SOURCES]
    unused = [name for kind, name in names if f"aws.{render.module_name(name, kind)} import" not in code]
    assert unused == []
