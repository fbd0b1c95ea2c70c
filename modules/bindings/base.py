"""What all generated classes share: a CDKTF element with few calls into jsii.

Each call costs a round trip to the Node process, so an element makes three, however many arguments it has:
its creation, its name, and one override that carries all of its arguments. An attribute is a plain Terraform
expression and costs none.

Names are the construct's path below the stack, joined by "_" and without CDKTF's hash, so that people can
read addresses (`aws_autoscaling_group.model_chat_blue_spot`). Two elements of one name are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NewType, TypedDict

from cdktf import (
    TerraformDataSource,
    TerraformOutput,
    TerraformProvider,
    TerraformProviderGeneratorMetadata,
    TerraformResource,
    TerraformStack,
)
from constructs import Construct

Reference = NewType("Reference", str)
"""An expression that Terraform resolves, such as "${aws_vpc.main.id}"; of any type, lists too."""

Boolean = bool | Reference
Number = float | Reference
Strings = Sequence[str] | Reference
Numbers = Sequence[float] | Reference
Booleans = Sequence[bool] | Reference
StringMap = Mapping[str, str] | Reference
NumberMap = Mapping[str, float] | Reference
BooleanMap = Mapping[str, bool] | Reference
Anything = object
"""An argument whose structure the schema leaves open, or nests in an attribute."""


_PLACE = "_llmctl_place"
_ADDRESSES = "_llmctl_addresses"


class Lifecycle(TypedDict, total=False):
    """How Terraform treats a resource over time."""

    create_before_destroy: bool
    prevent_destroy: bool
    ignore_changes: Sequence[str]
    """Paths of arguments whose changes outside Terraform are left alone."""
    replace_triggered_by: Sequence[str]


@dataclass(frozen=True)
class _Place:
    """Where the elements of one scope are written; kept with the scope, for finding it takes five calls."""

    stack: TerraformStack
    prefix: str
    addresses: set[str]
    """All addresses in the stack."""


class Resource(TerraformResource):
    """A resource; subclasses name its type and its arguments."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        terraform_type: str,
        arguments: Mapping[str, object],
        *,
        depends_on: Sequence["Resource | DataSource"],
        lifecycle: Lifecycle | None,
        provider: "Provider | None",
    ) -> None:
        super().__init__(scope, id_, terraform_resource_type=terraform_type)
        meta = _meta(depends_on, provider) | ({"lifecycle": dict(lifecycle)} if lifecycle else {})
        name = _write(scope, id_, f"resource.{terraform_type}", {**arguments, **meta})
        self.override_logical_id(name)
        self.address = f"{terraform_type}.{name}"

    def reference(self, attribute: str) -> Reference:
        """An attribute, or a path below one such as `endpoint[0].host`."""
        return Reference(f"${{{self.address}.{attribute}}}")


class DataSource(TerraformDataSource):
    """Something that Terraform reads; subclasses name its type and its arguments."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        terraform_type: str,
        arguments: Mapping[str, object],
        *,
        depends_on: Sequence["Resource | DataSource"],
        provider: "Provider | None",
    ) -> None:
        super().__init__(scope, id_, terraform_resource_type=terraform_type)
        name = _write(scope, id_, f"data.{terraform_type}", {**arguments, **_meta(depends_on, provider)})
        self.override_logical_id(name)
        self.address = f"data.{terraform_type}.{name}"

    def reference(self, attribute: str) -> Reference:
        """An attribute, or a path below one such as `endpoint[0].host`."""
        return Reference(f"${{{self.address}.{attribute}}}")


class Provider(TerraformProvider):
    """A provider's configuration; the exact version is the one that the classes were generated from."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        arguments: Mapping[str, object],
        *,
        local_name: str,
        source: str,
        version: str,
        alias: str | None,
    ) -> None:
        super().__init__(
            scope,
            id_,
            terraform_resource_type=local_name,
            terraform_provider_source=source,
            terraform_generator_metadata=TerraformProviderGeneratorMetadata(
                provider_name=local_name, provider_version=version, provider_version_constraint=version
            ),
        )
        for name, value in {**arguments, "alias": alias}.items():
            if value is not None:
                self.add_override(name, _plain(value))
        self.address = f"{local_name}.{alias}" if alias else local_name


def output(scope: Construct, name: str, value: str, *, description: str) -> TerraformOutput:
    """An output of the stack under exactly that name."""
    element = TerraformOutput(scope, name, value=value, description=description)
    element.override_logical_id(name)
    return element


def local(scope: Construct, id_: str, value: str) -> Reference:
    """A named value of the configuration; `value` is a Terraform template string."""
    place, name = _place_and_name(scope, id_, "locals")
    place.stack.add_override(f"locals.{name}", value)
    return Reference(f"${{local.{name}}}")


def literal(text: str, *, keep: Sequence[str] = ()) -> str:
    """The text as a Terraform template string that means exactly it, save for the references to keep."""
    escaped = text.replace("${", "$${").replace("%{", "%%{")
    for reference in keep:
        escaped = escaped.replace(f"${reference}", reference)
    return escaped


def _meta(depends_on: Sequence[Resource | DataSource], provider: Provider | None) -> dict[str, object]:
    meta: dict[str, object] = {}
    if depends_on:
        meta["depends_on"] = [dependency.address for dependency in depends_on]
    if provider:
        meta["provider"] = provider.address
    return meta


def _write(scope: Construct, id_: str, kind: str, arguments: Mapping[str, object]) -> str:
    """Put the arguments into the stack's configuration; return the element's name there."""
    place, name = _place_and_name(scope, id_, kind)
    given = {key: _plain(value) for key, value in arguments.items() if value is not None}
    place.stack.add_override(f"{kind}.{name}", given)
    return name


def _plain(value: object) -> object:
    """The value in the types that jsii can send: dictionaries and lists, not their relatives."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


def _place_and_name(scope: Construct, id_: str, kind: str) -> tuple[_Place, str]:
    place: _Place = vars(scope).get(_PLACE) or _find_place(scope)
    name = f"{place.prefix}{id_}"
    address = f"{kind}.{name}"
    if address in place.addresses:
        raise ValueError(f"two elements would be {address}: choose another construct id")
    place.addresses.add(address)
    return place, name


def _find_place(scope: Construct) -> _Place:
    stack = TerraformStack.of(scope)
    addresses: set[str] = vars(stack).setdefault(_ADDRESSES, set())
    below = scope.node.path.removeprefix(stack.node.path).strip("/")
    place = _Place(stack, f"{below.replace('/', '_')}_" if below else "", addresses)
    vars(scope)[_PLACE] = place
    return place
