"""CloudWatch dashboards: one that compares an environment's models, and one for each of them."""

import json
from collections.abc import Mapping

from constructs import Construct

from infra.environment import names
from infra.environment.model import Environment
from infra.observability.cloudwatch_dashboard import environment_dashboard, model_dashboard
from infra.observability.types import Sources
from modules.bindings.aws.cloudwatch_dashboard import CloudwatchDashboard


class Dashboards(Construct):
    """All dashboards of an environment."""

    def __init__(
        self, scope: Construct, id_: str, *, environment: Environment, sources: Mapping[str, Sources]
    ) -> None:
        super().__init__(scope, id_)
        name = environment.environment
        CloudwatchDashboard(
            self,
            "environment",
            dashboard_name=names.dashboard(name),
            dashboard_body=json.dumps(environment_dashboard(environment, sources), sort_keys=True),
        )
        for model, found in sources.items():
            CloudwatchDashboard(
                self,
                f"model_{model}",
                dashboard_name=names.dashboard(name, model),
                dashboard_body=json.dumps(model_dashboard(environment, model, found), sort_keys=True),
            )
