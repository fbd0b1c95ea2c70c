"""Runs Terraform for one environment: init, plan to a file, apply that file.

Its promises: nothing is applied but a plan that was made before; an operation either gets the state's lock
or says who has it; a lock that a killed llmctl of this machine left behind is released; Ctrl-C lets
Terraform finish what is in flight. It doesn't know what the resources mean, and takes credentials only
through the environment.
"""

import json
import random
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.errors import ExitCode, LlmctlError
from infra.terraform import provider
from infra.terraform.bare import write_bare
from infra.terraform.diagnostics import failure, model_lines
from infra.terraform.directory import RunDirectory
from infra.terraform.events import (
    Diagnostic,
    Drift,
    Event,
    Message,
    Notice,
    Observer,
    PlannedChange,
    Summary,
    parse,
)
from infra.terraform.find import Executable, find_executable
from infra.terraform.lock import Lock, Operation, conflict, find_lock, is_abandoned, lost_race
from infra.terraform.process import Ended, Listener, follow
from infra.terraform.synth import synthesize
from infra.terraform.version import PROVIDER_VERSION

_LOCK_TIMEOUT = "60s"
_RACES = 6
_HAS_CHANGES = 2
_READ_SECONDS = 300
_ERRORED_STATE = "errored.tfstate"
_AFTER_KILL = (
    "run the same command again: it releases the lock. What was being created may be in no state: "
    "`llmctl inventory` lists what exists, and `llmctl destroy` removes it, too"
)


@dataclass(frozen=True)
class Backend:
    """Where the state is."""

    bucket: str
    key: str
    region: str


@dataclass(frozen=True)
class PlanSummary:
    """A plan that was made and not applied yet."""

    path: Path
    changes: tuple[PlannedChange, ...]
    has_changes: bool
    """Also true when only outputs change."""
    destroy: bool = False
    drifts: tuple[Drift, ...] = ()
    """Resources that were changed outside Terraform, also in ways that it leaves alone."""


@dataclass(frozen=True)
class _Result:
    ended: Ended
    events: tuple[Event, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(event for event in self.events if isinstance(event, Diagnostic))


class Terraform:
    """One environment's Terraform, to be used as a context: it holds the run directory meanwhile."""

    def __init__(
        self,
        environment_file: Path,
        name: str,
        variables: Mapping[str, str],
        observer: Observer,
        *,
        directory: RunDirectory | None = None,
        executable: Executable | None = None,
    ) -> None:
        self.file = environment_file
        self.name = name
        self.directory = directory or RunDirectory(name)
        self._variables = dict(variables)
        self._observe = observer
        self._executable = executable
        self._backend: Backend | None = None
        self._dead: tuple[Operation, ...] = ()

    def __enter__(self) -> Self:
        self.directory.__enter__()
        try:
            self._dead = self.directory.settle(self._tell)
            self.directory.plan.unlink(missing_ok=True)
        except BaseException:
            self.directory.__exit__()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.directory.__exit__(kind, error, trace)

    @property
    def executable(self) -> Executable:
        """The Terraform that is used; raises `Refused` when there is none."""
        if self._executable is None:
            self._executable = find_executable(self._variables)
        return self._executable

    @cached_property
    def _mirror(self) -> provider.Mirror | None:
        return provider.find_mirror(self._variables)

    def reach(self, variables: Mapping[str, str]) -> None:
        """From now on reach the cloud with these variables: they may be known only after synthesis."""
        self._variables = dict(variables)

    def synth(self) -> Path:
        """Write the configuration into the run directory; return the stack's folder."""
        return synthesize(self.file, self.name, self.directory.synthesized, self._variables)

    def restore(self, extract: Callable[[Path, Path], None]) -> None:
        """Instead of `synth`: `extract` puts a stack and its plan, made before, to these paths."""
        extract(self.directory.stack, self.directory.plan)

    def restored(self, *, has_changes: bool) -> PlanSummary:
        """Instead of `plan`: the one that was restored. What it would change, `show` tells."""
        return PlanSummary(self.directory.plan, (), has_changes)

    def configure_bare(self, region: str) -> None:
        """Instead of `synth`: a configuration that can destroy what a state lists, without its file."""
        write_bare(self.directory.stack, region)

    def init(self, backend: Backend) -> None:
        """Prepare the synthesized configuration to run against the state in `backend`."""
        self._backend = backend
        self._drop_old_provider_lock()
        if self._mirror is None:
            self._tell("the AWS provider comes from its registry (170 MB) unless it was fetched before")
        result = self._run(
            "init",
            "-reconfigure",
            f"-backend-config=bucket={backend.bucket}",
            f"-backend-config=key={backend.key}",
            f"-backend-config=region={backend.region}",
            "-backend-config=use_lockfile=true",
            "-backend-config=encrypt=true",
        )
        self._check("init", result)
        self._push_errored_state()

    def plan(self, *, destroy: bool = False) -> PlanSummary:
        """Plan into the run directory; the file may hold secrets, so only its owner can read it."""
        path = self.directory.plan
        path.unlink(missing_ok=True)
        options = ["-detailed-exitcode", f"-out={path}", *(["-destroy"] if destroy else [])]
        result = self._run_locked("plan", *options)
        if result.ended.code != _HAS_CHANGES:
            self._check("plan", result)
        path.chmod(0o600)
        changes = tuple(
            event for event in result.events if isinstance(event, PlannedChange) and event.action != "read"
        )
        drifts = tuple(event for event in result.events if isinstance(event, Drift))
        return PlanSummary(path, changes, result.ended.code == _HAS_CHANGES, destroy, drifts)

    def apply(self, plan: PlanSummary) -> Summary:
        """Apply a plan, and remove it. Raises `LlmctlError`; what was done until then is in the state."""
        try:
            result = self._run_locked("apply", after=(str(plan.path),))
        finally:
            plan.path.unlink(missing_ok=True)
        self._check("apply", result)
        counts = [event for event in result.events if isinstance(event, Summary)]
        return counts[-1] if counts else Summary("apply", 0, 0, 0)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, by name."""
        return {name: output["value"] for name, output in self._read("output", "-json").items()}

    def show(self, plan: PlanSummary) -> dict[str, Any]:
        """A plan as Terraform's JSON document."""
        return self._read("show", "-json", str(plan.path))

    def force_unlock(self, lock: str) -> None:
        """Release the state's lock with that id; raises `LlmctlError` if it isn't held under it."""
        done = self._quick("force-unlock", "-force", lock)
        if done.returncode != 0:
            raise LlmctlError(f"could not release lock {lock}: {(done.stderr or done.stdout).strip()}")
        self._tell(f"released lock {lock}")

    def process_environment(self) -> dict[str, str]:
        """The environment variables that Terraform runs with."""
        return {
            **self._variables,
            **provider.settings(self._mirror, self._variables, self.directory.root),
            "CHECKPOINT_DISABLE": "1",
            "TF_DATA_DIR": str(self.directory.data),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "NO_COLOR": "1",
        }

    def _run_locked(self, operation: str, *options: str, after: tuple[str, ...] = ()) -> _Result:
        """Run an operation that takes the state's lock."""
        # Where one of ours died, a lock is more likely abandoned than held: don't wait for it first.
        timeout = "0s" if self._dead else _LOCK_TIMEOUT
        for attempt in range(1, _RACES + 1):
            result = self._run(operation, f"-lock-timeout={timeout}", *options, after=after)
            lock = find_lock(result.diagnostics)
            if lock is None and not lost_race(result.diagnostics):
                self._forget_dead()
                return result
            if lock is not None and timeout != "0s" and not is_abandoned(lock, self._dead):
                raise conflict(self.name, lock)
            if lock is not None and is_abandoned(lock, self._dead):
                self._release(lock)
            timeout = _LOCK_TIMEOUT
            time.sleep(random.uniform(0.1, 0.5) * attempt)  # noqa: S311 - spreads rivals, hides nothing
        raise LlmctlError(
            f"{self.name}: could not get the state's lock in {_RACES} tries",
            hint="others are at work on this environment; run the same command again",
            code=ExitCode.CONFLICT,
        )

    def _release(self, lock: Lock) -> None:
        self._tell(
            f"the state is locked by a Terraform of this machine that was killed "
            f"({lock.created:%Y-%m-%d %H:%M:%S} UTC): releasing its lock"
        )
        self.force_unlock(lock.id)

    def _forget_dead(self) -> None:
        for operation in self._dead:
            self.directory.finish(operation)
        self._dead = ()

    def _run(self, operation: str, *options: str, after: tuple[str, ...] = ()) -> _Result:
        events: list[Event] = []
        begun: list[Operation] = []
        state = f"{self._backend.bucket}/{self._backend.key}" if self._backend else ""

        def hear(line: str) -> None:
            if event := parse(line):
                events.append(event)
                # What init warns of is its lock file, which is nobody's business here.
                if operation != "init":
                    self._observe(event)

        ended = follow(
            [*self.executable.command, operation, "-json", "-input=false", *options, *after],
            directory=self.directory.stack,
            environment=self.process_environment(),
            log=self.directory.log(operation),
            listener=Listener(
                started=lambda pid: begun.append(self.directory.begin(pid, state)),
                line=hear,
                interrupted=self._interrupted,
            ),
        )
        result = _Result(ended, tuple(events))
        if ended.code >= 0:
            self.directory.finish(begun[0])
        if ended.interruptions and ended.code != 0:
            raise self._stopped(operation, ended)
        return result

    def _interrupted(self, times: int) -> None:
        if times == 1:
            self._tell(
                "interrupted: Terraform finishes what is in flight, writes its state and releases its lock; "
                "interrupt again to kill it"
            )
        else:
            self._tell("interrupted again: Terraform was killed")

    def _stopped(self, operation: str, ended: Ended) -> LlmctlError:
        if ended.code < 0:
            return LlmctlError(
                f"terraform {operation} was killed: what it was doing may be done, and not be in the state",
                hint=_AFTER_KILL,
                code=ExitCode.OUTCOME_UNKNOWN,
            )
        return LlmctlError(
            f"interrupted: terraform {operation} stopped; its state is written and its lock released",
            hint="run the same command again to go on",
        )

    def _check(self, operation: str, result: _Result) -> None:
        if result.ended.code < 0:
            raise LlmctlError(
                f"terraform {operation} died of signal {-result.ended.code}",
                hint=_AFTER_KILL,
                code=ExitCode.OUTCOME_UNKNOWN,
            )
        if result.ended.code != 0:
            # Terraform reports some errors, such as a plugin's crash, as plain text.
            said = [event.text for event in result.events if isinstance(event, Message)]
            plain = () if result.diagnostics else (Diagnostic("error", "\n".join(said[-20:])),)
            raise failure(
                operation, [*result.diagnostics, *plain], file=self.file, lines=model_lines(self.file)
            )

    def _push_errored_state(self) -> None:
        """Save the state of an apply that could not write it (the network went away, say)."""
        left = self.directory.stack / _ERRORED_STATE
        if not left.is_file():
            return
        pushed = self._quick("state", "push", _ERRORED_STATE)
        if pushed.returncode != 0:
            raise LlmctlError(
                f"an earlier apply left its state in {left}, and it can't be saved: {pushed.stderr.strip()}",
                hint=f"compare it with the state in the bucket; remove {left} when it is of no use",
                code=ExitCode.CONFLICT,
            )
        left.unlink()
        self._tell("saved the state that an earlier apply could not write")

    def _drop_old_provider_lock(self) -> None:
        lock = self.directory.stack / ".terraform.lock.hcl"
        if lock.is_file() and f'"{PROVIDER_VERSION}"' not in lock.read_text():
            lock.unlink()

    def _read(self, *arguments: str) -> dict[str, Any]:
        done = self._quick(*arguments)
        if done.returncode != 0:
            raise LlmctlError(f"terraform {arguments[0]} failed: {done.stderr.strip()}")
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def _quick(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.executable.command, *arguments],
            cwd=self.directory.stack,
            env=self.process_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_READ_SECONDS,
            check=False,
        )

    def _tell(self, text: str) -> None:
        self._observe(Notice(text))
