"""A trace in a file, one row a sweep, written while the run goes on: prices, trades, imbalances, gains, seconds.

The columns are those of `SweepRecord.row`, and then, with the names of goods and players behind bars,

    price | GOOD            imbalance | GOOD            trade | PLAYER | GOOD
    gain | PLAYER           seconds | PLAYER            (of this sweep, its gain check included)

A file whose name ends in ".parquet" keeps its rows in a CSV file beside it until the run ends. Numbers are written so
that they are read back exactly.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd

from bestresponse.errors import DataError
from bestresponse.files import replacing, write_rows
from bestresponse.market import BAR, Market
from bestresponse.start import Ending
from bestresponse.trace import FAMILY, SweepRecord, Trace
from bestresponse.typing import Vector

_WORDS = ("imbalance_good", "disagreement_good", "gain_player")
_COUNTS = ("sweep", "clipped", "rolled_back")
_NUMBERS = ("imbalance", "disagreement", "sigma", "seconds")


class TraceFile:
    """The trace file of one run. Use it as a context: leaving it completes a Parquet file."""

    def __init__(self, path: str | Path, market: Market, after: int = 0) -> None:
        """Open the file for the sweeps that follow sweep `after`; later rows, or half a row, are cut off.

        Raises DataError if the file has not got the sweeps up to `after`, or holds something else.
        """
        self.path = Path(path)
        self.market = market
        self._rows = self.path.with_name(self.path.name + ".csv") if self.path.suffix == ".parquet" else self.path
        with _as_a_trace(self.path):
            kept = _first_rows(self.path, self._rows, after) if after else []
            self.earlier = Trace([_record(row) for row in kept])
        write_rows(self._rows, kept)
        self._file = self._rows.open("a" if kept else "w", encoding="utf-8", newline="")
        self._writer: csv.DictWriter[str] | None = None

    def __enter__(self) -> TraceFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        if self._rows != self.path:
            with replacing(self.path, binary=True) as file:
                _read(self._rows).to_parquet(file)
            self._rows.unlink()

    def write(self, record: SweepRecord) -> None:
        """Append the row of one sweep; it is on its way to the disk when this returns."""
        row = full_row(record, self.market)
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, list(row), lineterminator="\n")
            if not self.earlier.records:
                self._writer.writeheader()
        self._writer.writerow(row)
        self._file.flush()


def full_row(record: SweepRecord, market: Market) -> dict[str, object]:
    """Return everything a record holds as one flat row."""
    row = record.row()
    names = [good.name for good in market.goods]
    row |= {f"price{BAR}{good}": float(price) for good, price in zip(names, record.price, strict=True)}
    row |= {f"imbalance{BAR}{good}": float(off) for good, off in zip(names, record.imbalance_by_good, strict=True)}
    for player in market:
        trades = zip(player.goods, record.trades[player.name], strict=True)
        row |= {f"trade{BAR}{player.name}{BAR}{good}": float(trade) for good, trade in trades}
    row |= {f"gain{BAR}{player.name}": record.gains.get(player.name) for player in market}
    return row | {f"seconds{BAR}{player.name}": record.player_seconds[player.name] for player in market}


def load_trace(path: str | Path) -> Trace:
    """Return the trace in a file, CSV or Parquet. Raises DataError if it holds none."""
    with _as_a_trace(path):
        return Trace([_record(row) for row in _read(Path(path)).to_dict("records")])


def load_ending(path: str | Path) -> Ending:
    """Return where the run in a trace file ended: its best sweep. Raises DataError if the file holds no sweep."""
    with _as_a_trace(path):
        frame = _read(Path(path))
        far = frame[["imbalance", "disagreement"]].max(axis=1, skipna=False).to_numpy(dtype=float)
        row = frame.iloc[int(np.nanargmin(far))].to_dict()
        trades = {name: {good: float(trade) for good, trade in of.items()} for name, of in _trades(row).items()}
        return Ending(
            {good: float(price) for good, price in _behind(row, "price").items()}, trades, float(row["sigma"])
        )


@contextmanager
def _as_a_trace(path: str | Path) -> Iterator[None]:
    """Say of a file that cannot be read as a trace that it is none."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except (KeyError, ValueError, OSError) as error:
        raise DataError(f"{path}: this is no trace of a run ({type(error).__name__}: {error})") from error


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, float_precision="round_trip")


def _first_rows(path: Path, rows: Path, count: int) -> list[dict[str, Any]]:
    source = rows if rows.exists() else path
    if source.suffix == ".parquet":
        kept = [{str(k): v for k, v in row.items()} for row in _read(source).head(count).to_dict("records")]
    else:
        if not source.exists():
            raise DataError(f"{source}: there is no such file, but {count} sweeps of its run are done")
        with source.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            kept = [dict(row) for row, _ in zip(reader, range(count), strict=False)]
    if len(kept) < count or int(kept[-1]["sweep"]) != count:
        raise DataError(f"{source}: it does not hold the {count} sweeps that its state file goes on from")
    return kept


def _record(row: Mapping[Any, Any]) -> SweepRecord:
    gains = {name: float(gain) for name, gain in _behind(row, "gain").items() if not _empty(gain)}
    scalars: dict[str, Any] = {key: "" if _empty(row[key]) else str(row[key]) for key in _WORDS}
    scalars |= {key: int(row[key]) for key in _COUNTS} | {key: float(row[key]) for key in _NUMBERS}
    return SweepRecord(
        **scalars,
        gain=None if _empty(row["gain"]) else float(row["gain"]),
        imbalance_by_family={
            str(key).removeprefix(FAMILY): float(value) for key, value in row.items() if str(key).startswith(FAMILY)
        },
        price=_vector(_behind(row, "price").values()),
        imbalance_by_good=_vector(_behind(row, "imbalance").values()),
        trades={name: _vector(of.values()) for name, of in _trades(row).items()},
        gains=gains,
        player_seconds={name: float(seconds) for name, seconds in _behind(row, "seconds").items()},
    )


def _trades(row: Mapping[Any, Any]) -> dict[str, dict[str, Any]]:
    """The trades by player and good."""
    found: dict[str, dict[str, Any]] = {}
    for key, trade in _behind(row, "trade").items():
        player, good = key.split(BAR, 1)
        found.setdefault(player, {})[good] = trade
    return found


def _behind(row: Mapping[Any, Any], word: str) -> dict[str, Any]:
    start = word + BAR
    return {str(key).removeprefix(start): value for key, value in row.items() if str(key).startswith(start)}


def _vector(values: Iterable[Any]) -> Vector:
    return np.array([float(value) for value in values])


def _empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))
