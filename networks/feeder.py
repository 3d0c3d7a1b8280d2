"""Reading feeders: folders with buses.csv, lines.csv and feeder.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from networks.branches import check_tree
from networks.errors import NetworkDataError, near_matches
from networks.opendss_feeder import read_opendss
from networks.pandapower_feeder import is_shipped_by_pandapower, read_pandapower
from networks.phase_tables import FOLDER, read_phases
from networks.radial_feeder import Feeder
from networks.tables import Table, read_table, read_text
from networks.tree import search_from
from networks.typing import IntVector

__all__ = ["BUILT_IN_FEEDERS", "Feeder", "is_shipped_by_pandapower", "load_feeder"]

DATA = Path(__file__).parent / "data"
BUILT_IN_FEEDERS = ("ieee123", "ieee123_full", "ieee33", "teaching")
_KEYS = ("base_kv", "base_mva", "root")


def load_feeder(source: str | Path, phases: bool = False) -> Feeder:
    """Return a feeder by built-in name, from a folder or file, or from pandapower's collection.

    With `phases`, those of a folder that has any are read, too.

    Built in: "ieee123" (balanced equivalent, 123 buses, root 149, regulators at ratio 1), "ieee123_full" (with the
    source bus 150, bus 610 and the published regulator taps), "ieee33" and "teaching". A folder holds

    - buses.csv: bus, p_kw, q_kvar, cap_kvar; optional x, y
    - lines.csv: from, to, r_ohm, x_ohm, rate_kva (empty: no limit); optional tap_ratio
    - feeder.toml: base_kv (line to line), base_mva (three-phase), root
    - for `phases` a folder three_phase with the tables of `networks.phase_tables.read_phases`

    A file is an OpenDSS master file (.dss, see `read_opendss`) or one of `pandapower.to_json` (.json, see
    `read_pandapower`); "pandapower:NAME" is a network of pandapower's own collection.

    Raises NetworkDataError naming file, line and column for anything that is missing, no number or out of range,
    buses or lines given twice, lines to unknown buses, loops (naming their lines), and buses without a connection to
    the root: islands arise only by opening lines.
    """
    path = DATA / source if source in BUILT_IN_FEEDERS else Path(source)
    if path.is_dir():
        feeder = _read_folder(path, str(source) if source in BUILT_IN_FEEDERS else path.resolve().name)
        if phases and (path / FOLDER).is_dir():
            return replace(feeder, phases=read_phases(path / FOLDER, feeder))
        return feeder
    if is_shipped_by_pandapower(source) or (path.suffix.lower() == ".json" and path.is_file()):
        return read_pandapower(source)
    if path.suffix.lower() == ".dss" and path.is_file():
        return read_opendss(path)
    raise NetworkDataError(
        f"feeder {str(source)!r}: neither a built-in name ({', '.join(BUILT_IN_FEEDERS)}) nor an existing folder, "
        "OpenDSS file (.dss) or pandapower file (.json)"
    )


def _read_folder(folder: Path, name: str) -> Feeder:
    settings = _read_settings(folder / "feeder.toml")
    buses = read_table(folder / "buses.csv", ("bus", "p_kw", "q_kvar", "cap_kvar"), ("x", "y"))
    names = buses.texts("bus")
    for row, bus in enumerate(names):
        if "-" in bus:
            raise NetworkDataError(
                f"{buses.where(row)}: bus {bus!r}; a name may not contain '-', which joins line names"
            )
    buses.unique(names, "this bus")
    if settings.root not in names:
        hint = near_matches(settings.root, names)
        raise NetworkDataError(f"{folder / 'feeder.toml'}: root {settings.root!r} is no bus of buses.csv{hint}")

    lines = read_table(folder / "lines.csv", ("from", "to", "r_ohm", "x_ohm", "rate_kva"), ("tap_ratio",))
    start, end = _line_ends(lines, names)
    search = search_from(names.index(settings.root), len(names), start, end)
    tap_ratio = lines.numbers("tap_ratio", "positive", blank=1.0)
    check_tree(str(lines.path), _names(lines), names, settings.root, search)
    for row in np.flatnonzero(search.reversed & (tap_ratio != 1.0))[:1]:
        raise NetworkDataError(
            f"{lines.where(int(row))}: the line has a tap_ratio, which belongs to its from-end, "
            "but is written towards the root; write the bus nearer to the root as from"
        )

    base_ohm = settings.base_kv**2 / settings.base_mva
    placed = "x" in buses.cells and "y" in buses.cells
    return Feeder(
        name=name,
        buses=names,
        root=names.index(settings.root),
        base_kv=settings.base_kv,
        base_kva=settings.base_mva * 1000.0,
        p_kw=buses.numbers("p_kw", "finite"),
        q_kvar=buses.numbers("q_kvar", "finite"),
        cap_kvar=buses.numbers("cap_kvar", "non-negative"),
        line_names=_names(lines),
        line_from=np.where(search.reversed, end, start),
        line_to=np.where(search.reversed, start, end),
        r_pu=lines.numbers("r_ohm", "non-negative") / base_ohm,
        x_pu=lines.numbers("x_ohm", "non-negative") / base_ohm,
        rate_kva=lines.numbers("rate_kva", "positive or inf", blank=np.inf),
        tap_ratio=tap_ratio,
        xy=np.column_stack([buses.numbers("x", "finite"), buses.numbers("y", "finite")]) if placed else None,
    )


@dataclass(frozen=True)
class _Settings:
    base_kv: float
    base_mva: float
    root: str


def _read_settings(path: Path) -> _Settings:
    try:
        values = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise NetworkDataError(f"{path}: no valid TOML: {error}") from None
    for key in _KEYS:
        if key not in values:
            raise NetworkDataError(f"{path}: key {key!r} is missing (required: {', '.join(_KEYS)})")
    for key in values:
        if key not in _KEYS:
            raise NetworkDataError(f"{path}: unknown key {key!r} (allowed: {', '.join(_KEYS)})")
    for key in ("base_kv", "base_mva"):
        if (
            isinstance(values[key], bool)
            or not isinstance(values[key], int | float)
            or not (0.0 < values[key] < np.inf)
        ):
            raise NetworkDataError(f"{path}: {key} is {values[key]!r}; allowed: positive numbers")
    if isinstance(values["root"], bool) or not isinstance(values["root"], int | str):
        raise NetworkDataError(f"{path}: root is {values['root']!r}; allowed: the name of a bus")
    return _Settings(float(values["base_kv"]), float(values["base_mva"]), str(values["root"]))


def _line_ends(lines: Table, buses: tuple[str, ...]) -> tuple[IntVector, IntVector]:
    """Return the bus positions of both ends of every line."""
    position = {bus: n for n, bus in enumerate(buses)}
    ends = list(zip(lines.texts("from"), lines.texts("to"), strict=True))
    for row, pair in enumerate(ends):
        for column, bus in zip(("from", "to"), pair, strict=True):
            if bus not in position:
                hint = near_matches(bus, buses)
                raise NetworkDataError(f"{lines.where(row)}: {column} is {bus!r}, which is no bus of buses.csv{hint}")
        if pair[0] == pair[1]:
            raise NetworkDataError(f"{lines.where(row)}: the line leads from bus {pair[0]!r} to itself")
    lines.unique([frozenset(pair) for pair in ends], "a line between these buses")
    start, end = zip(*((position[a], position[b]) for a, b in ends), strict=True)
    return np.array(start, dtype=np.int64), np.array(end, dtype=np.int64)


def _names(lines: Table) -> tuple[str, ...]:
    return tuple(f"{a}-{b}" for a, b in zip(lines.cells["from"], lines.cells["to"], strict=True))
