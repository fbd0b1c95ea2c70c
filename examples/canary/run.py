"""A good release and a bad one, under constant traffic: the first is promoted, the second taken back.

Everything happens on this machine, on the embedded cloud. Works on a copy of `environments/canary.yaml`,
because `llmctl upgrade --set` changes the file. `--keep` leaves everything running, to look around.
"""

import sys
from pathlib import Path

from examples.stage import Stage, title

ENVIRONMENT = "canary"
MODEL = "chat"
REQUESTS_PER_SECOND = 30
PROMOTED, ROLLED_BACK = 0, 4


def main() -> None:
    """Deploy, upgrade twice under load, and tell what the clients saw."""
    stage = Stage.set_up(ENVIRONMENT, __doc__, Path(__file__).parent / "environments")
    with stage.open(f"rollout status --env {ENVIRONMENT} {MODEL} -w"):
        rehearse(stage)


def rehearse(stage: Stage) -> None:
    """The story itself."""
    title("Release 1 is deployed")
    stage.llmctl("deploy", "--env", ENVIRONMENT, "--yes")
    with stage.traffic(MODEL, rate=REQUESTS_PER_SECOND):
        title("Release 2 is good: it takes over step by step")
        upgrade(stage, "engine.version=2", ends=PROMOTED)
        title("Release 3 fails one request in five: it is caught at the first step, and taken back")
        upgrade(stage, "engine.version=3", "engine.args.error-rate=0.2", ends=ROLLED_BACK)
    title("What happened")
    stage.llmctl("rollout", "history", "--env", ENVIRONMENT, MODEL)
    report = stage.folder / "report.html"
    stage.llmctl("rollout", "report", "--env", ENVIRONMENT, MODEL, "--output", str(report))
    requests = stage.requests()
    print(
        f"\n{requests['succeeded']} requests answered, {requests['failed']} failed: the share of release 3."
    )
    print(f"The rollback as a page: {report}")


def upgrade(stage: Stage, *settings: str, ends: int) -> None:
    """Change the file and roll it out; leaves with an error if that ends in another way than it should."""
    options = [option for setting in settings for option in ("--set", setting)]
    code = stage.llmctl("upgrade", "--env", ENVIRONMENT, MODEL, *options, "--yes", check=False)
    if code != ends:
        sys.exit(f"this rollout should have ended with exit code {ends}, and ended with {code}")


if __name__ == "__main__":
    main()
