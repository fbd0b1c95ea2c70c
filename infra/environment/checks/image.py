"""The image is a repository, the version its tag, and engines without an image of their own are given one."""

from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, engine in subject.models:
        image, place = model.engine.image, ("models", name, "engine", "image")
        if image is None:
            if engine.needs_image:
                yield Finding(
                    place=place,
                    what=f"{engine.name} needs image",
                    why="it runs an image of yours",
                    allowed="a repository, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/chat",
                )
        elif ":" in image.rpartition("/")[2] or "@" in image:
            yield Finding(
                place=place,
                what=f"{image} has a tag or a digest",
                why="the tag is engine.version",
                hint="write the repository alone",
            )


RULE = Rule(
    id="image", summary="`image` is a repository without a tag; custom engines need one.", check=_check
)
