"""AWS's Fault Injection Service: spot takes instances of a model, by the templates that Terraform made."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.aws.session import Session, translated
from infra.environment import names
from infra.errors import Refused

_LIMIT = 100


def _token() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Experiments:
    """The experiments of one model. Implements `infra.chaos.experiments.Experiments`.

    `token`: makes the token by which AWS tells a call that is made again from another one.
    """

    session: Session
    environment: str
    model: str
    token: Callable[[], str] = field(default=_token)

    @translated("starting an experiment")
    def start(self, who: str) -> str:
        """Take one, half or all of the spot instances; tells the experiment's id.

        Raises `Refused` when Terraform made no template for it.
        """
        template = self._template(who)
        answer = self._fis.start_experiment(
            clientToken=self.token(),
            experimentTemplateId=template,
            tags={names.TAG_ENVIRONMENT: self.environment, names.TAG_MODEL: self.model},
        )
        return str(answer["experiment"]["id"])

    @translated("asking for an experiment's state")
    def state(self, experiment: str) -> tuple[str, str]:
        """Its state in AWS's words (pending, running, completed, failed...), and why."""
        told = self._fis.get_experiment(id=experiment)["experiment"]["state"]
        return str(told["status"]), str(told.get("reason", ""))

    @translated("asking whom an experiment hit")
    def instances(self, experiment: str) -> tuple[str, ...]:
        """Those that it takes; none while AWS hasn't chosen them yet."""
        answer = self._fis.list_experiment_resolved_targets(experimentId=experiment, maxResults=_LIMIT)
        # The API documents what it tells of a target as a map of texts, and names none of its keys.
        maps = (target["targetInformation"] for target in answer["resolvedTargets"])
        told = (value for each in maps for value in each.values())
        return tuple(dict.fromkeys(value.rpartition("/")[2] for value in told if ":instance/" in value))

    @property
    def _fis(self) -> Any:
        return self.session.client("fis")

    def _template(self, who: str) -> str:
        wanted = {
            names.TAG_ENVIRONMENT: self.environment,
            names.TAG_MODEL: self.model,
            names.TAG_CHAOS: who,
        }
        for template in templates(self.session):
            if template["tags"].items() >= wanted.items():
                return str(template["id"])
        raise Refused(
            f"{self.environment} has no experiment that takes {who} of {self.model}",
            hint="set `chaos: {allow: true}` in its file, and `llmctl deploy`",
        )


def templates(session: Session) -> Iterator[dict[str, Any]]:
    """Every experiment template of the account, with its tags."""
    pages = session.client("fis").get_paginator("list_experiment_templates").paginate()
    for page in pages:
        for template in page["experimentTemplates"]:
            yield {"tags": {}, **template}
