"""The steps of `reap`: who is due, a question, each of them in turn."""

from collections.abc import Sequence
from datetime import datetime

from cli.ask import confirm
from cli.destroying import say
from cli.remains import Account, Remains
from infra.aws.lifetimes import Lifetimes
from infra.errors import ExitCode, LlmctlError
from infra.teardown.reaping import Outcome, Reaped, due

_REFUSALS = (ExitCode.REFUSED, ExitCode.CONFLICT)


def reap(
    account: Account, names: Sequence[str], *, yes: bool, force_unlock: str | None, dry_run: bool
) -> tuple[Reaped, ...]:
    """Destroy what is due, or `names`, and tell what became of each; changes nothing if `dry_run`."""
    ends = Lifetimes(account.session).all()
    over = names or due(ends, account.clock.now())
    say(f"account {account.session.account}, {account.session.region}")
    for name in over:
        say(f"{name}: {f'lives until {ends[name]:%Y-%m-%d %H:%M} UTC' if name in ends else 'has no ttl'}")
    if dry_run or not over:
        return tuple(Reaped(name, ends.get(name), Outcome.DUE) for name in over)
    confirm(f"Destroy {', '.join(over)} with everything in it?", yes=yes)
    return tuple(
        _one(Remains(account, name), ends.get(name), force_unlock)
        for name in over
        if names or name in _still_due(account)  # a deploy may have renewed it meanwhile
    )


def exit_code(reaped: tuple[Reaped, ...]) -> ExitCode:
    """The worst of what became of them: something left, failed, refused; 2 for what is only due."""
    outcomes = {each.outcome for each in reaped}
    for outcome, code in (
        (Outcome.LEFT, ExitCode.RESOURCES_LEFT),
        (Outcome.FAILED, ExitCode.FAILED),
        (Outcome.REFUSED, ExitCode.REFUSED),
        (Outcome.DUE, ExitCode.PLAN_HAS_CHANGES),
    ):
        if outcome in outcomes:
            return code
    return ExitCode.OK


def _still_due(account: Account) -> tuple[str, ...]:
    return due(Lifetimes(account.session).all(), account.clock.now())


def _one(environment: Remains, end: datetime | None, force_unlock: str | None) -> Reaped:
    """Whatever happens to one must not keep the others from going."""
    try:
        left = environment.destroy(force_unlock=force_unlock)
    except LlmctlError as error:
        outcome = Outcome.REFUSED if error.code in _REFUSALS else Outcome.FAILED
        say(f"{environment.name}: {error.message}")
        return Reaped(environment.name, end, outcome, error.message)
    return Reaped(environment.name, end, Outcome.LEFT if left else Outcome.DESTROYED, left=left)
