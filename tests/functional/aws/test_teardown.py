"""Whose something is, what may be removed, what state buckets know, and that one failure stops no other."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cli.reaping import exit_code, reap
from cli.remains import Account, Remains
from infra.aws.inventory import inventory
from infra.aws.lifetimes import Lifetimes
from infra.aws.probes.scope import Scope
from infra.aws.removal import Removal
from infra.aws.scaling_group import occupied
from infra.aws.session import Session
from infra.aws.states import StateOf, states
from infra.clock import SystemClock
from infra.environment import names
from infra.errors import ExitCode, LlmctlError, Refused
from infra.teardown.reaping import Outcome
from infra.teardown.removing import Left
from infra.teardown.types import Resource
from tests.fakes.environments import two_models
from tests.fakes.stack import bring_up, build

_ENDED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def bucket(session: Session) -> Iterator[str]:
    """An empty state bucket."""
    name = names.state_bucket(session.account, session.region)
    session.s3.create_bucket(Bucket=name)
    yield name
    for page in session.s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for each in page.get("Contents", []):
            session.s3.delete_object(Bucket=name, Key=each["Key"])
    session.s3.delete_bucket(Bucket=name)


def test_a_name_that_begins_alike_is_another(session: Session) -> None:
    """An environment is told from one whose name continues its own, kind by kind."""
    for name in ("two", "two-more"):
        build(session, two_models(name))
        session.iam.create_role(
            RoleName=names.samples_role(name),
            AssumeRolePolicyDocument="{}",
            Tags=[{"Key": names.TAG_ENVIRONMENT, "Value": name}],
        )
    # Without its tag, this could be the samples' role of an environment `two`.
    session.iam.create_role(RoleName=names.stack("two-samples-x"), AssumeRolePolicyDocument="{}")
    both = inventory(session, Scope())
    for name in ("two", "two-more"):
        own = inventory(session, Scope(name))
        assert own
        assert set(own) == {each for each in both if each.environment == name}
        assert [each.id for each in own if each.kind == "iam role"] == [names.samples_role(name)]


def test_a_tag_outweighs_a_name(session: Session) -> None:
    """A table that is named like an environment's and tagged as another's is the other's."""
    session.dynamodb.create_table(
        TableName=names.runtime_table("named"),
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        Tags=[{"Key": names.TAG_ENVIRONMENT, "Value": "tagged"}],
    )
    assert inventory(session, Scope("named")) == ()
    assert [each.kind for each in inventory(session, Scope("tagged"))] == ["dynamodb table"]


def test_a_protected_table_goes_only_when_the_file_says_so(session: Session) -> None:
    """What AWS protects is refused, loudly, unless its protection was given up in the file."""
    session.dynamodb.create_table(
        TableName=names.runtime_table("guarded"),
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        DeletionProtectionEnabled=True,
    )
    (table,) = inventory(session, Scope("guarded"))
    assert table.protected
    with pytest.raises(Refused, match="protected"):
        Removal(session).remove(table)
    with pytest.raises(Refused, match="PROTECTED"):
        Remains(Account(session, {}, SystemClock()), "guarded").destroy()
    assert inventory(session, Scope("guarded")) == (table,)
    Removal(session, lift_protection=True).remove(table)
    assert inventory(session, Scope("guarded")) == ()


def test_what_has_replicas_is_drained_first(session: Session) -> None:
    """Replicas of every group are waited for; an environment without any isn't."""
    environment = two_models("drained")
    build(session, environment)
    groups = [each.id for each in inventory(session, Scope("drained")) if each.kind == "autoscaling group"]
    assert occupied(session.autoscaling, groups) == 0
    bring_up(session, environment)
    assert occupied(session.autoscaling, groups) == 8


@pytest.mark.parametrize(
    ("kind", "id_"),
    [
        ("autoscaling group", "none"),
        ("dns record", "Z0 none.example.com. A"),
        ("ec2 vpc", "vpc-00000000"),
        ("iam role", "llmctl-none"),
        ("lambda function", "llmctl-none"),
        ("s3 bucket", "llmctl-none"),
        ("secret", "llmctl/none/api-key"),
        ("target group", "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/n/0"),
    ],
)
def test_what_is_gone_counts_as_removed(session: Session, kind: str, id_: str) -> None:
    """Two who remove at the same time don't fail for each other's work."""
    Removal(session).remove(Resource("none", kind, id_))


def test_states_tell_what_they_list_and_who_holds_them(session: Session, bucket: str) -> None:
    """An empty state is one that knows nothing; a lock tells its holder."""

    def put(key: str, document: object) -> None:
        session.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode())

    put(names.state_key("alive"), {"resources": [{"mode": "managed"}, {"mode": "data"}]})
    put(names.state_key("gone"), {"resources": []})
    put(
        f"{names.state_key('busy')}.tflock",
        {"ID": "1-2", "Who": "ann@desk", "Created": "2026-11-23T10:00:00.5Z"},
    )
    assert states(session) == {
        "alive": StateOf(1),
        "gone": StateOf(0),
        "busy": StateOf(0, "1-2", "ann@desk since 2026-11-23T10:00:00"),
    }


def test_an_end_is_kept_renewed_and_dropped(session: Session, bucket: str) -> None:
    """Beside the state, in whole seconds; nothing is there without a bucket."""
    lifetimes = Lifetimes(session)
    lifetimes.renew("one", _ENDED)
    lifetimes.renew("one", _ENDED + timedelta(hours=1))
    lifetimes.renew("two", None)
    assert lifetimes.all() == {"one": _ENDED + timedelta(hours=1)}
    lifetimes.renew("one", None)
    assert lifetimes.all() == {}


def test_one_failure_stops_no_other(session: Session, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is told as what it became; the worst gives the exit code."""
    for hours, name in enumerate(("busy", "broken", "stuck", "fine")):
        Lifetimes(session).renew(name, _ENDED + timedelta(hours=hours))
    Lifetimes(session).renew("young", datetime(2999, 1, 1, tzinfo=UTC))
    stuck = (Left(Resource("stuck", "ec2 vpc", "vpc-1"), "in use"),)

    def destroy(self: Remains, *, force_unlock: str | None) -> tuple[Left, ...]:
        if self.name == "busy":
            raise LlmctlError("locked", code=ExitCode.CONFLICT)
        if self.name == "broken":
            raise LlmctlError("broken")
        return stuck if self.name == "stuck" else ()

    monkeypatch.setattr(Remains, "destroy", destroy)
    account = Account(session, {}, SystemClock())
    reaped = reap(account, (), yes=True, force_unlock=None, dry_run=False)
    assert [(each.environment, each.outcome, each.left) for each in reaped] == [
        ("busy", Outcome.REFUSED, ()),
        ("broken", Outcome.FAILED, ()),
        ("stuck", Outcome.LEFT, stuck),
        ("fine", Outcome.DESTROYED, ()),
    ]
    assert exit_code(reaped) is ExitCode.RESOURCES_LEFT
    assert exit_code(reaped[:2]) is ExitCode.FAILED
    assert exit_code(reaped[:1]) is ExitCode.REFUSED
    assert exit_code(()) is ExitCode.OK
