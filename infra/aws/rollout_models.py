"""Which models have a rollout that goes on. The watchdog asks: it is told no models, only the environment."""

from infra.aws.session import Session, translated
from infra.environment import names
from infra.rollout.types import Phase


def models_in_rollout(session: Session, environment: str) -> tuple[str, ...]:
    """Their names; raises `LlmctlError`."""
    ended = {f":ended{number}": {"S": phase.value} for number, phase in enumerate(Phase) if phase.ended}
    with translated(f"looking for rollouts in {environment}"):
        pages = session.bounded.dynamodb.get_paginator("query").paginate(
            TableName=names.runtime_table(environment),
            KeyConditionExpression="pk = :rollout",
            FilterExpression=f"NOT phase IN ({', '.join(ended)})",
            ExpressionAttributeValues={":rollout": {"S": "rollout"}, **ended},
            ProjectionExpression="sk",
            ConsistentRead=True,
        )
        return tuple(item["sk"]["S"] for page in pages for item in page["Items"])
