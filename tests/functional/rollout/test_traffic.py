"""A model's weights at the load balancer, whoever reads or sets them."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from infra.aws.balancer import AwsBalancer
from infra.aws.listener_rule import ListenerRule, RuleMissingError
from infra.aws.rollout_records import TableRecords
from infra.aws.rollout_traffic import RuleTraffic
from infra.aws.session import Session, translated
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.errors import ExitCode, LlmctlError
from infra.waker.cloud import Clients, ModelCloud
from infra.waker.config import SleepingModel, WakerConfig
from infra.waker.policy import Weights


def refusal(status: int, code: str) -> ClientError:
    """An answer of AWS's that is no success."""
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "ModifyRule",
    )


@pytest.fixture
def traffic(session: Session, environment: Environment) -> RuleTraffic:
    """The traffic of `chat`, whose slots have rules of their own as well, before and after the model's."""
    for priority, slot in ((900, Slot.BLUE), (901, Slot.GREEN)):
        session.elbv2.create_rule(
            ListenerArn=listener(session, environment),
            Priority=priority,
            Conditions=[
                {
                    "Field": "http-header",
                    "HttpHeaderConfig": {
                        "HttpHeaderName": names.SLOT_HEADER,
                        "Values": [names.slot_header("chat", slot)],
                    },
                }
            ],
            Actions=[forward({arn(session, environment, slot): 1})],
        )
    session.elbv2.set_rule_priorities(
        RulePriorities=[{"RuleArn": model_rule(session, environment)["RuleArn"], "Priority": 950}]
    )
    return RuleTraffic(session, environment.environment, "chat")


def test_weights_are_read_as_they_were_set(
    session: Session, environment: Environment, traffic: RuleTraffic
) -> None:
    """A shift reaches the model's rule and no other: not another model's, not those that lead to one slot."""
    assert traffic.weights() == {Slot.BLUE: 100, Slot.GREEN: 0}
    traffic.set_weights({Slot.BLUE: 75, Slot.GREEN: 25})
    assert traffic.weights() == {Slot.BLUE: 75, Slot.GREEN: 25}
    others = [model for model in environment.models if model != "chat"]
    assert AwsBalancer(session, environment).weights() == {
        "chat": {Slot.BLUE: 75, Slot.GREEN: 25},
        **{model: {Slot.BLUE: 100, Slot.GREEN: 0} for model in others},
    }


def test_the_waker_keeps_its_place_in_the_rule(
    session: Session, environment: Environment, traffic: RuleTraffic
) -> None:
    """A rollout of a model that may sleep sends nothing to the waker, and doesn't throw it out either."""
    waker = add_waker(session, environment)
    assert traffic.weights() == {Slot.BLUE: 0, Slot.GREEN: 0}
    traffic.set_weights({Slot.BLUE: 95, Slot.GREEN: 5})
    assert set(shares(model_rule(session, environment)).values()) == {95, 5, 0}
    assert shares(model_rule(session, environment))[waker] == 0


def test_the_waker_moves_the_same_rule(
    session: Session, environment: Environment, traffic: RuleTraffic
) -> None:
    """It reads and sets the model's weights, and is not misled by the rules that lead to one slot."""
    add_waker(session, environment)
    cloud = model_cloud(session, environment)
    seen = cloud.observe("blue", 0.0, asked=False)
    assert seen.weights == Weights(live=0, idle=0, waker=100)
    cloud.route("blue")
    assert traffic.weights() == {Slot.BLUE: 100, Slot.GREEN: 0}
    cloud.route(None)
    assert traffic.weights() == {Slot.BLUE: 0, Slot.GREEN: 0}


def test_what_else_is_in_the_rule_stays(
    session: Session, environment: Environment, traffic: RuleTraffic
) -> None:
    """Actions that are not llmctl's, such as stickiness, survive a shift."""
    rule = model_rule(session, environment)
    actions: list[Any] = list(rule["Actions"])
    sticky = {"Enabled": True, "DurationSeconds": 60}
    actions[-1]["ForwardConfig"]["TargetGroupStickinessConfig"] = sticky
    session.elbv2.modify_rule(RuleArn=rule["RuleArn"], Actions=actions)
    traffic.set_weights({Slot.BLUE: 0, Slot.GREEN: 100})
    kept = model_rule(session, environment)["Actions"][-1]["ForwardConfig"]
    assert kept["TargetGroupStickinessConfig"] == sticky


def test_a_rule_that_was_replaced_is_found_again(
    session: Session, environment: Environment, traffic: RuleTraffic
) -> None:
    """An apply in the middle of a rollout may make the rule anew: the driver looks it up again."""
    traffic.weights()
    rule = model_rule(session, environment)
    session.elbv2.delete_rule(RuleArn=rule["RuleArn"])
    with pytest.raises(LlmctlError, match="no rule") as caught:
        traffic.weights()
    assert "deploy" in caught.value.hint
    slots = {arn(session, environment, Slot.BLUE): 95, arn(session, environment, Slot.GREEN): 5}
    session.elbv2.create_rule(
        ListenerArn=listener(session, environment),
        Priority=960,
        Conditions=[{"Field": "path-pattern", "Values": ["/chat/*"]}],
        Actions=[forward(slots)],
    )
    assert traffic.weights() == {Slot.BLUE: 95, Slot.GREEN: 5}


def test_an_environment_that_is_not_there_has_no_weights(session: Session) -> None:
    """Without a load balancer the error says what is missing, not which exception AWS raised."""
    with pytest.raises(LlmctlError, match="no rule of the load balancer llmctl-nowhere"):
        RuleTraffic(session, "nowhere", "chat").weights()


def test_requests_go_only_where_the_rule_leads(session: Session, environment: Environment) -> None:
    """A target group that the rule doesn't have can't get a weight by a typing error."""
    slots = [names.target_group(environment.environment, "chat", slot) for slot in Slot]
    rule = ListenerRule(session.elbv2, names.balancer(environment.environment), slots)
    with pytest.raises(RuleMissingError, match="elsewhere"):
        rule.set_weights({"elsewhere": 100})
    assert set(rule.weights().values()) == {100, 0}


def test_records_are_replaced(session: Session, environment: Environment) -> None:
    """The driver records what is live now; without a first deploy there is nothing to replace."""
    records = TableRecords(session, environment.environment, "chat")
    with pytest.raises(LlmctlError, match="not recorded as live"):
        records.live()
    records.make_live(Slot.BLUE, 1)
    records.make_live(Slot.GREEN, 2)
    assert records.live() is Slot.GREEN


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReadTimeoutError(endpoint_url="https://aws"), ExitCode.OUTCOME_UNKNOWN),
        (refusal(500, "InternalFailure"), ExitCode.OUTCOME_UNKNOWN),
        (refusal(503, "RequestLimitExceeded"), ExitCode.FAILED),
        (refusal(400, "ValidationError"), ExitCode.FAILED),
    ],
)
def test_a_change_without_an_answer_has_an_unknown_outcome(error: Exception, code: ExitCode) -> None:
    """After a change that may have been made a driver looks again; one that was refused was not made."""
    with pytest.raises(LlmctlError) as caught, translated("setting the weights", changes=True):
        raise error
    assert caught.value.code is code
    with pytest.raises(LlmctlError) as caught, translated("reading the weights"):
        raise error
    assert caught.value.code is ExitCode.FAILED


def test_calls_of_a_driver_end_before_its_lease(session: Session) -> None:
    """However AWS hangs, a call is over within 50 s: three tries, and two pauses of at most 1 s and 2 s."""
    config: Any = session.bounded.elbv2.meta.config
    tries = config.retries["total_max_attempts"]
    assert tries * (config.connect_timeout + config.read_timeout) + sum(2**n for n in range(tries - 1)) < 50
    assert session.bounded is session.bounded
    assert session.bounded.endpoint == session.endpoint


def listener(session: Session, environment: Environment) -> str:
    """ARN of the environment's listener."""
    balancer = session.elbv2.describe_load_balancers(Names=[names.balancer(environment.environment)])
    found = session.elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"])
    return found["Listeners"][0]["ListenerArn"]


def arn(session: Session, environment: Environment, slot: Slot) -> str:
    """ARN of a slot's target group."""
    name = names.target_group(environment.environment, "chat", slot)
    return session.elbv2.describe_target_groups(Names=[name])["TargetGroups"][0]["TargetGroupArn"]


def model_rule(session: Session, environment: Environment) -> Any:
    """The rule of `chat` that has more than one target group."""
    blue = arn(session, environment, Slot.BLUE)
    (found,) = (
        rule for rule in all_rules(session, environment) if len(shares(rule)) > 1 and blue in shares(rule)
    )
    return found


def all_rules(session: Session, environment: Environment) -> Iterator[Any]:
    """All of the environment."""
    yield from session.elbv2.describe_rules(ListenerArn=listener(session, environment))["Rules"]


def shares(rule: Any) -> dict[str, int]:
    """Weights by ARN."""
    return {
        target["TargetGroupArn"]: target["Weight"]
        for action in rule["Actions"]
        for target in action.get("ForwardConfig", {}).get("TargetGroups", [])
    }


def forward(weights: dict[str, int]) -> Any:
    """An action that splits."""
    targets = [{"TargetGroupArn": target, "Weight": weight} for target, weight in weights.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": targets}}


def add_waker(session: Session, environment: Environment) -> str:
    """Make `chat` sleep: a third target group, which has all of its requests; return its ARN."""
    name = names.waker_target_group(environment.environment, "chat")
    made = session.elbv2.create_target_group(Name=name, TargetType="lambda")["TargetGroups"][0]
    rule = model_rule(session, environment)
    weights = dict.fromkeys(shares(rule), 0) | {made["TargetGroupArn"]: 100}
    session.elbv2.modify_rule(RuleArn=rule["RuleArn"], Actions=[forward(weights)])
    return made["TargetGroupArn"]


def model_cloud(session: Session, environment: Environment) -> ModelCloud:
    """The waker's view of `chat`."""
    name = environment.environment
    model = SleepingModel(
        name="chat",
        sleep_after=900,
        waker_target_group=names.waker_target_group(name, "chat"),
        target_groups={slot.value: names.target_group(name, "chat", slot) for slot in Slot},
        groups={"blue": (names.group(name, "chat", Slot.BLUE, Market.SPOT),), "green": ()},
    )
    config = WakerConfig(
        environment=name,
        balancer=names.balancer(name),
        runtime_table=names.runtime_table(name),
        models=(model,),
    )
    clients = Clients(
        autoscaling=session.autoscaling,
        cloudwatch=session.cloudwatch,
        dynamodb=session.dynamodb,
        elbv2=session.elbv2,
    )
    return ModelCloud(clients, config, model)
