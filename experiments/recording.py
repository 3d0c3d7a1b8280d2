"""A run on record: its trace file, and beside it the state from which the run can go on after any kind of end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bestresponse.checkpoint import Checkpoint, load_checkpoint
from bestresponse.errors import DataError
from bestresponse.market import Market
from bestresponse.trace import Trace
from bestresponse.trace_file import TraceFile


def state_file(trace: str | Path) -> Path:
    """Return where the state of the run with this trace file is kept."""
    return Path(trace).with_name(Path(trace).name + ".state.npz")


@dataclass(frozen=True)
class Recording:
    """What a recorded run needs: where to write, and from where to go on."""

    file: TraceFile
    about: Mapping[str, Any]  # what the run is of, in plain data
    resume: Checkpoint | None

    @property
    def earlier(self) -> Trace:
        """The sweeps that were done before."""
        return self.file.earlier

    def keep(self, checkpoint: Checkpoint) -> None:
        """Replace the state file."""
        checkpoint.save(state_file(self.file.path), self.about)


@contextmanager
def recording(path: str | Path, market: Market, about: Mapping[str, Any], resume: bool) -> Iterator[Recording]:
    """Give the recording of a run in `path`; with `resume` it goes on from the state beside it, if there is one.

    Raises DataError, saying what differs, if that state belongs to another run.
    """
    state = state_file(path)
    checkpoint = _stored(state, about) if resume and state.exists() else None
    if checkpoint is None:
        state.unlink(missing_ok=True)
    with TraceFile(path, market, checkpoint.sweep if checkpoint else 0) as file:
        yield Recording(file, about, checkpoint)


def _stored(state: Path, about: Mapping[str, Any]) -> Checkpoint:
    checkpoint, stored = load_checkpoint(state)
    old, new = _flat(stored), _flat(json.loads(json.dumps(about)))
    apart = [
        f"{key} was {old.get(key, 'absent')!r} and is {new.get(key, 'absent')!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    if apart:
        shown = "; ".join(apart[:5]) + (f"; and {len(apart) - 5} more" if len(apart) > 5 else "")
        raise DataError(f"{state}: this is the state of another run: {shown}. Leave --resume out to start anew")
    return checkpoint


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
