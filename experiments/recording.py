"""A run on record: its trace file, and beside it the state from which the run can go on after any kind of end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from bestresponse.acceleration import Lessons
from bestresponse.checkpoint import Checkpoint, load_checkpoint
from bestresponse.errors import DataError
from bestresponse.files import clear_leftovers
from bestresponse.market import Market
from bestresponse.start import Ending
from bestresponse.trace import Trace
from bestresponse.trace_file import TraceFile, load_ending

STATE = ".state.npz"


def state_file(trace: str | Path) -> Path:
    """Return where the state of the run with this trace file is kept."""
    return Path(trace).with_name(Path(trace).name + STATE)


def load_start(path: str | Path) -> Ending:
    """Return where the run with this trace file ended, with what its state file, if it is still there, has learned.

    Raises DataError for a file that is no trace.
    """
    name = Path(path).name
    if name.endswith(STATE):
        raise DataError(f"{path}: is the state file beside a trace; name the trace, {name.removesuffix(STATE)}")
    if name.endswith(".json"):
        raise DataError(f"{path}: a result holds no trades to start from; name the trace of its run (--trace FILE)")
    ending, state = load_ending(path), state_file(path)
    if not state.exists():
        return ending
    checkpoint, about = load_checkpoint(state)
    learned, sigma = checkpoint.arrays["accelerator"], float(checkpoint.arrays["scheme"]["sigma"])
    if "z" not in learned or sigma != ending.sigma:  # Newton's method learns nothing; or it is about other states
        return ending
    return replace(ending, lessons=Lessons(about["scheme"], learned["z"], learned["f"]))


def digest(path: str | Path) -> str:
    """Return the SHA-256 (hexadecimal) of a file."""
    return sha256(Path(path).read_bytes()).hexdigest()


@dataclass(frozen=True)
class Recording:
    """What a recorded run needs: where to write, and from where to go on."""

    file: TraceFile
    about: Mapping[str, Any]  # what the run is of, in plain data
    resume: Checkpoint | None
    remarks: tuple[str, ...] = ()  # sentences about going on

    @property
    def earlier(self) -> Trace:
        """The sweeps that were done before."""
        return self.file.earlier

    def keep(self, checkpoint: Checkpoint) -> None:
        """Replace the state file."""
        checkpoint.save(state_file(self.file.path), self.about)


@contextmanager
def recording(
    path: str | Path, market: Market, about: Mapping[str, Any], resume: bool, max_sweeps: int
) -> Iterator[Recording]:
    """Give the recording of a run in `path`; with `resume` it goes on from the state beside it, if there is one.

    Raises DataError, saying what differs, if that state belongs to another run, or is past `max_sweeps`. Other
    `about["versions"]` do not make it another run, but are remarked on.
    """
    state = state_file(path)
    for written in (path, state):
        clear_leftovers(written)
    checkpoint: Checkpoint | None = None
    remarks: list[str] = []
    if resume and state.exists():
        checkpoint, stored = load_checkpoint(state)
        remarks = _remarks(state, checkpoint.sweep, stored, about)
        if checkpoint.sweep >= max_sweeps:
            raise DataError(f"max-sweeps: given {max_sweeps}, but {checkpoint.sweep} sweeps of this run are done")
    else:
        state.unlink(missing_ok=True)
    with TraceFile(path, market, checkpoint.sweep if checkpoint else 0) as file:
        yield Recording(file, about, checkpoint, tuple(remarks))


def _remarks(state: Path, sweep: int, stored: dict[str, Any], about: Mapping[str, Any]) -> list[str]:
    given = json.loads(json.dumps(about))
    changes = _apart(stored.pop("versions", {}), given.pop("versions", {}))
    if apart := _apart(stored, given):
        shown = "; ".join(apart[:5]) + (f"; and {len(apart) - 5} more" if len(apart) > 5 else "")
        raise DataError(f"{state}: this is the state of another run: {shown}. Leave --resume out to start anew")
    return [f"The run went on after sweep {sweep} with other versions: {'; '.join(changes)}."] if changes else []


def _apart(stored: object, given: object) -> list[str]:
    old, new = _flat(stored), _flat(given)
    return [
        f"{key} was {old.get(key, 'absent')!r} and is {new.get(key, 'absent')!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key, "absent") != new.get(key, "absent")
    ]


def _flat(data: object, above: str = "") -> dict[str, Any]:
    if isinstance(data, Mapping):
        parts = [(str(key), value) for key, value in data.items()]
    elif isinstance(data, list | tuple):
        parts = [(str(k), value) for k, value in enumerate(data, start=1)]
    else:
        return {above: data}
    flat: dict[str, Any] = {}
    for key, value in parts:
        flat |= _flat(value, f"{above}.{key}" if above else key)
    return flat
