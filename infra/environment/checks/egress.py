"""Without a way to the internet, images and weights must come from inside AWS."""

from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject

_ECR = ".amazonaws.com"


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.environment.network.egress != "endpoints":
        return
    for name, model, _ in subject.models:
        if model.source.startswith("hf://"):
            yield Finding(
                place=("models", name, "source"),
                what=f"{model.source} can't be reached",
                why="network.egress is endpoints: instances have no way to the internet",
                allowed="s3://BUCKET/PREFIX or file:///PATH",
            )
        if model.engine.image is None or _ECR not in model.engine.image:
            yield Finding(
                place=("models", name, "engine", "image"),
                what=f"{model.engine.image or 'the default image'} can't be reached",
                why="network.egress is endpoints: instances have no way to the internet",
                allowed="an image in ECR: ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME",
            )


RULE = Rule(
    id="egress",
    summary="With `egress: endpoints`, weights come from S3 and images from ECR.",
    check=_check,
)
