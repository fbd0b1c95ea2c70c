"""A rollout's memory in the runtime table: conditional writes, fenced by the lease's token.

Every write is one transaction, with its line in the rollout's story and, where it changes something, in the
audit log: all of it or nothing. Each is idempotent: the SDK repeats a transaction whose answer was lost under
the same token, and what is written twice all the same is the same. The lease is judged by this machine's
clock; the token is not, so a clock that is wrong can only stop a driver, never let two write.

Refuses to decide anything: what a write means is the policy's matter.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from infra.aws import rollout_items as items
from infra.aws.rollout_table import RolloutTable
from infra.aws.session import Session
from infra.errors import ExitCode, LlmctlError, Refused
from infra.rollout.codec import to_json
from infra.rollout.errors import HeldError, LeaseLostError
from infra.rollout.ports import Entry, Lease, Record
from infra.rollout.types import Mutation, Phase, Plan, Request, Status, Verdict

_TRIES = 5
"""Looks at a rollout that others change at the same time, before giving up."""
_MINE = "#token = :held_token AND #holder = :held_by"
_ENDED = tuple(phase for phase in Phase if phase.ended)


class TableJournal:
    """Implements `infra.rollout.ports.Journal` with DynamoDB. A table that isn't there reads as empty."""

    def __init__(
        self, session: Session, environment: str, model: str, *, now: Callable[[], float] = time.time
    ) -> None:
        self._table = RolloutTable(session, environment)
        self._model = model
        self._key = items.current_key(model)
        self._now = now
        self._rollouts: dict[int, str] = {}
        """By the token under which each was driven from here."""

    def read(self) -> Record | None:
        """The model's current or last rollout, read consistently."""
        item = self._table.item(self._key)
        return items.record(item) if item else None

    def begin(self, plan: Plan, status: Status) -> None:
        """Start a rollout; raises `LlmctlError` (conflict) while another one goes on."""
        for _ in range(_TRIES):
            before = self._table.item(self._key)
            if before is not None and before["id"]["S"] == plan.id:
                return  # by an attempt whose answer was lost
            if before is not None and not (running := items.record(before)).status.phase.ended:
                raise self._goes_on(running)
            if self._begin(plan, status, before):
                return
        raise self._contended()

    def acquire(self, holder: str, seconds: float) -> Lease:
        """Take the lease; raises `HeldError` while somebody else has it.

        Who holds it already gets it anew, with a higher token. Raises `LlmctlError` without a rollout.
        """
        mark = secrets.token_hex(8)
        for _ in range(_TRIES):
            item, now = self._table.item(self._key), self._now()
            if item is None:
                raise self._nothing()
            lease = items.record(item).lease
            if lease and "lease_id" in item and item["lease_id"]["S"] == mark:
                return self._remembered(lease, item)  # by an attempt whose answer was lost
            if lease and lease.holder != holder and lease.until > now:
                raise HeldError(self._model, lease.holder, lease.until - now)
            taken = Lease(model=self._model, holder=holder, token=_token(item) + 1, until=now + seconds)
            if self._take(taken, item, mark, now):
                return self._remembered(taken, item)
        raise self._contended()

    def renew(self, lease: Lease, seconds: float) -> Lease:
        """Keep it for so many seconds from now on.

        Also when it has run out, as long as nobody took it: a machine that slept goes on.
        """
        until = self._now() + seconds
        self._fenced(lease, "renewing the lease", values={"lease_until": items.number(until)}, expired=True)
        return replace(lease, until=until)

    def let_go(self, lease: Lease) -> None:
        """Give it back; nothing happens if it was lost."""
        self._table.write(
            f"letting go of the lease of {self._model}",
            items.update(
                self._table.name,
                self._key,
                values={"let_go_at": items.number(self._now())},
                drop=("holder", "lease_until", "lease_id"),
                condition=_MINE,
                given=_held(lease),
            ),
        )

    def enter(self, lease: Lease, status: Status) -> None:
        """Write where the rollout is now, with an entry; the request that `status` has handled is over.

        Another one that was left meanwhile is not.
        """
        rollout = self._rollout(lease)
        self._fenced(
            lease,
            f"entering {status.phase}",
            values=self._status(status),
            more=(
                self._past(rollout, self._status(status)),
                *self._told(rollout, self._entry(lease, "phase", _words(status), status), action="Rollout"),
            ),
        )

    def intend(self, lease: Lease, mutation: Mutation) -> None:
        """Write what is about to be changed."""
        self._fenced(
            lease,
            "announcing a change",
            values={"intent": items.text(str(mutation))},
            more=self._told(self._rollout(lease), self._entry(lease, "intent", str(mutation))),
        )

    def done(self, lease: Lease, mutation: Mutation, outcome: str) -> None:
        """Write how that ended."""
        told = self._entry(lease, "outcome", f"{mutation}: {outcome}")
        self._fenced(
            lease,
            "recording a change",
            drop=("intent",),
            more=self._told(self._rollout(lease), told, action=type(mutation).__name__),
        )

    def note(self, lease: Lease, text: str) -> None:
        """Add a line to the story; an intent whose driver is gone is forgotten with it."""
        told = self._entry(lease, "note", text)
        self._fenced(lease, "taking a note", drop=("intent",), more=self._told(self._rollout(lease), told))

    def judged(self, lease: Lease, status: Status, verdicts: Sequence[Verdict]) -> None:
        """Write what the gates say, for the report."""
        words = ", ".join(f"{verdict.gate} {verdict.answer}" for verdict in verdicts)
        told = self._entry(lease, "judged", words, status)
        self._fenced(
            lease,
            "recording verdicts",
            more=self._told(self._rollout(lease), replace(told, verdicts=tuple(verdicts))),
        )

    def ask(self, request: Request) -> None:
        """Leave a wish for the driver, without a lease; an earlier one that still waits is replaced.

        Raises `Refused` when no rollout goes on.
        """
        for _ in range(_TRIES):
            item = self._table.item(self._key)
            if item is None or items.record(item).status.phase.ended:
                raise self._nothing()
            rollout = item["id"]
            told = Entry(at=request.at, actor=request.by, kind="request", text=request.asked.value)
            ended = {f"ended{number}": items.text(phase) for number, phase in enumerate(_ENDED)}
            if self._table.write(
                f"leaving a request for {self._model}",
                items.update(
                    self._table.name,
                    self._key,
                    values={"request": items.text(to_json(request))},
                    condition=f"#id = :old_id AND NOT #phase IN ({', '.join(f':{name}' for name in ended)})",
                    given={"old_id": rollout, **ended},
                ),
                *self._told(rollout["S"], told, action="Rollout", result=f"asked: {request.asked}"),
            ):
                return
        raise self._nothing()

    def entries(self, rollout: str | None = None) -> tuple[Entry, ...]:
        """The story of a rollout (default: the latest), oldest first; lines are kept for 90 days."""
        chosen = rollout
        if chosen is None:
            item = self._table.item(self._key)
            if item is None:
                return ()
            chosen = str(item["id"]["S"])
        return tuple(map(items.entry, self._table.query(items.story(self._model), f"{chosen}#")))

    def history(self) -> tuple[Record, ...]:
        """All rollouts of the model that are remembered, newest first."""
        current = self.read()
        found = map(items.record, self._table.query(items.past(self._model), newest_first=True))
        return tuple(
            current if current is not None and current.plan.id == each.plan.id else each for each in found
        )

    def _begin(self, plan: Plan, status: Status, before: items.Item | None) -> bool:
        values = self._status(status) | {"id": items.text(plan.id), "plan": items.text(to_json(plan))}
        # A driver of the last rollout that still lives must not touch this one.
        values["token"] = items.number(_token(before) + 1)
        began = Entry(
            at=self._now(),
            actor=plan.started_by,
            kind="began",
            text=f"release {plan.old_release} to {plan.new_release}, {plan.strategy}",
            status=status,
        )
        return self._table.write(
            f"beginning a rollout of {self._model}",
            items.update(
                self._table.name,
                self._key,
                values=values,
                drop=("intent", "request", "holder", "lease_until", "lease_id", "let_go_at"),
                condition="#id = :old_id AND #token = :old_token" if before else "attribute_not_exists(#id)",
                given={"old_id": before["id"], "old_token": before["token"]} if before else {},
            ),
            self._past(plan.id, {"plan": values["plan"], **self._status(status)}),
            *self._told(plan.id, began, action="Rollout"),
        )

    def _take(self, lease: Lease, item: items.Item, mark: str, now: float) -> bool:
        return self._table.write(
            f"taking the lease of {self._model}",
            items.update(
                self._table.name,
                self._key,
                values={
                    "token": items.number(lease.token),
                    "holder": items.text(lease.holder),
                    "lease_until": items.number(lease.until),
                    "lease_id": items.text(mark),
                },
                drop=("let_go_at",),
                condition="#token = :old_token AND "
                "(attribute_not_exists(#holder) OR #lease_until <= :present OR #holder = :holder)",
                given={"old_token": item["token"], "present": items.number(now)},
            ),
            *self._told(item["id"]["S"], self._entry(lease, "lease", f"{lease.holder} drives")),
        )

    def _fenced(
        self,
        lease: Lease,
        doing: str,
        *,
        values: Mapping[str, Mapping[str, str]] | None = None,
        drop: Sequence[str] = (),
        more: Sequence[Mapping[str, Any]] = (),
        expired: bool = False,
    ) -> None:
        """Write while the lease is ours; raises `LeaseLostError` when it isn't, and then nothing is written.

        A lease that ran out is as good as lost, but for who renews it: what was seen under it is too old.
        """
        present = {} if expired else {"present": items.number(self._now())}
        fence = items.update(
            self._table.name,
            self._key,
            values=values or {},
            drop=drop,
            condition=_MINE if expired else f"{_MINE} AND #lease_until > :present",
            given={**_held(lease), **present},
        )
        if not self._table.write(f"{doing} of {self._model}", fence, *more):
            raise LeaseLostError(self._model)

    def _past(self, rollout: str, values: Mapping[str, Mapping[str, str]]) -> Mapping[str, Any]:
        return items.update(self._table.name, items.past_key(self._model, rollout), values=values)

    def _told(
        self, rollout: str, told: Entry, *, action: str = "", result: str = ""
    ) -> tuple[Mapping[str, Any], ...]:
        """A line of the story; with an action, one of the audit log too."""
        line = items.put(self._table.name, items.entry_item(self._model, rollout, told))
        if not action:
            return (line,)
        event = items.event_item(told.at, told.actor, action, self._model, result or told.text)
        return (line, items.put(self._table.name, event))

    def _entry(self, lease: Lease, kind: str, words: str, status: Status | None = None) -> Entry:
        return Entry(at=self._now(), actor=lease.holder, kind=kind, text=words, status=status)

    @staticmethod
    def _status(status: Status) -> dict[str, Mapping[str, str]]:
        """The phase by itself too, for conditions and for the waker, which reads no plans."""
        return {"status": items.text(to_json(status)), "phase": items.text(status.phase)}

    def _remembered(self, lease: Lease, item: items.Item) -> Lease:
        self._rollouts[lease.token] = item["id"]["S"]
        return lease

    def _rollout(self, lease: Lease) -> str:
        """Which one is driven under a lease: beginning another one takes every lease away."""
        if lease.token not in self._rollouts:
            item = self._table.item(self._key)
            if item is None or _token(item) != lease.token:
                raise LeaseLostError(self._model)
            self._remembered(lease, item)
        return self._rollouts[lease.token]

    def _goes_on(self, record: Record) -> LlmctlError:
        plan, status = record.plan, record.status
        keeping = status.phase is Phase.KEEPING
        return LlmctlError(
            f"{self._model}: its rollout of release {plan.new_release} is not over: {status.phase}, "
            f"{status.weight} % of the traffic",
            hint="the old replicas are kept for an instant `llmctl rollback`: wait until they are drained"
            if keeping
            else "`llmctl rollout status` shows it; `llmctl promote --full` or `llmctl abort` ends it",
            code=ExitCode.CONFLICT,
        )

    def _contended(self) -> LlmctlError:
        return LlmctlError(
            f"{self._model}: others change its rollout at the same time",
            hint="`llmctl rollout status` says who drives it; then try again",
            code=ExitCode.CONFLICT,
        )

    def _nothing(self) -> Refused:
        return Refused(
            f"{self._model}: no rollout goes on",
            hint="`llmctl rollout history` lists those that are over; `llmctl upgrade` begins one",
        )


def _held(lease: Lease) -> dict[str, Mapping[str, str]]:
    return {"held_token": items.number(lease.token), "held_by": items.text(lease.holder)}


def _token(item: items.Item | None) -> int:
    return int(item["token"]["N"]) if item else 0


def _words(status: Status) -> str:
    told = f"{status.phase}, {status.weight} % of the traffic"
    return f"{told}: {status.reason}" if status.reason else told
