"""CloudWatch dashboards: one that compares an environment's models, and one for each of them.

A model's dashboard belongs to the model, and comes and goes with it.
"""

import json
from collections.abc import Mapping

from constructs import Construct

from infra.environment import names
from infra.environment.model import Environment
from infra.observability.cloudwatch_dashboard import environment_dashboard, model_dashboard
from infra.observability.types import Sources
from modules.bindings.aws.cloudwatch_dashboard import CloudwatchDashboard


class EnvironmentDashboard(Construct):
    """The models of an environment side by side."""

    def __init__(
        self, scope: Construct, id_: str, *, environment: Environment, sources: Mapping[str, Sources]
    ) -> None:
        super().__init__(scope, id_)
        CloudwatchDashboard(
            self,
            "comparison",
            dashboard_name=names.dashboard(environment.environment),
            dashboard_body=json.dumps(environment_dashboard(environment, sources), sort_keys=True),
        )


class ModelDashboard(Construct):
    """Everything of one model."""

    def __init__(
        self, scope: Construct, id_: str, *, environment: Environment, model: str, sources: Sources
    ) -> None:
        super().__init__(scope, id_)
        CloudwatchDashboard(
            self,
            "model",
            dashboard_name=names.dashboard(environment.environment, model),
            dashboard_body=json.dumps(model_dashboard(environment, model, sources), sort_keys=True),
        )
