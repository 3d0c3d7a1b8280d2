"""Reading the three-phase tables of a feeder, in the columns in which IEEE publishes test feeders."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np

from networks.errors import NetworkDataError, near_matches
from networks.phases import PHASES, Phases, wye_from_delta
from networks.radial_feeder import Feeder
from networks.tables import Rule, Table, read_table
from networks.typing import BoolVector, ComplexArray, IntVector, Vector

FOLDER = "three_phase"
FEET_PER_MILE = 5280.0
SUM_TOLERANCE = 1e-6  # relative, of what the phases of a bus add up to
_PAIRS = tuple(combinations_with_replacement(PHASES, 2))  # aa, ab, ac, bb, bc, cc
_OHM = tuple(f"{part}_{i}{j}_ohm_per_mile" for part in "rx" for i, j in _PAIRS)
_DESCRIPTION = (
    "phasing_on_pole",
    "type",
    "phase_conductor",
    "neutral_conductor",
    "spacing_id",
    "ampacity_A",
    *(f"b_{i}{j}_uS_per_mile" for i, j in _PAIRS),
)  # columns of the published tables that are not used
_LOADS = tuple(f"{part}_{phase}_{unit}" for part, unit in (("p", "kw"), ("q", "kvar")) for phase in PHASES)
_CAPACITORS = tuple(f"q_{phase}_kvar" for phase in PHASES)


def read_phases(folder: Path, feeder: Feeder) -> Phases:
    """Return the phases of a feeder from the tables in a folder.

    - lines.csv: from, to, phases, length_ft, config
    - configs.csv: config, phases, r_aa_ohm_per_mile ... r_cc, x_aa ... x_cc (aa, ab, ac, bb, bc, cc)
    - loads.csv: bus, connection (wye or delta), p_a_kw, p_b_kw, p_c_kw, q_a_kvar, q_b_kvar, q_c_kvar; of a delta load
      a, b, c mean ab, bc, ca
    - if there are any, switches.csv: from, to, phases, normal_state (open or closed); capacitors.csv: bus, q_a_kvar,
      q_b_kvar, q_c_kvar; regulators.csv: from, to, phase, ratio

    Every line of the feeder is a row of lines.csv or a closed switch. A switch has in every phase what the line has in
    the balanced equivalent, without coupling. Left out are shunt capacitance, and that loads and capacitors depend on
    the voltage. Raises NetworkDataError naming file, line and column for what does not fit the feeder or a phase that
    is missing.
    """
    lines = read_table(
        folder / "lines.csv",
        ("from", "to", "phases", "length_ft", "config"),
        ("id", "type", "phase_conductor", "ampacity_A", "regulator_at_from_end"),
    )
    stated = _line_positions(lines, feeder)
    in_line = np.zeros((feeder.n_lines, len(PHASES)), dtype=bool)
    in_line[stated] = _phase_sets(lines, "phases")
    switches = _closed_switches(folder / "switches.csv", feeder)
    _check_all_stated(lines, stated, switches, feeder)
    for line, has in switches.items():
        in_line[line] = has
    at_bus = _phases_of_buses(in_line, feeder, folder)
    alone = (feeder.r_pu + 1j * feeder.x_pu) * in_line.sum(axis=1) / len(PHASES)
    z_pu = alone[:, None, None] * np.eye(len(PHASES)) * in_line[:, None, :]
    z_pu[stated] = _impedances_ohm(lines, in_line[stated], folder / "configs.csv") / feeder.base_ohm
    p_kw, q_kvar = _loads(folder / "loads.csv", at_bus, feeder)
    return Phases(
        at_bus=at_bus,
        in_line=in_line,
        z_pu=z_pu,
        tap_ratio=_taps(folder / "regulators.csv", in_line, feeder),
        p_kw=p_kw,
        q_kvar=q_kvar,
        cap_kvar=_capacitors(folder / "capacitors.csv", at_bus, feeder),
    )


def _line_positions(table: Table, feeder: Feeder) -> IntVector:
    """Return (n_rows,) the line of the feeder that each row is about."""
    names = [f"{start}-{end}" for start, end in zip(table.texts("from"), table.texts("to"), strict=True)]
    return np.array([_found(table, row, feeder.line_index, name) for row, name in enumerate(names)], dtype=np.int64)


def _bus_positions(table: Table, feeder: Feeder) -> IntVector:
    """Return (n_rows,) the bus of the feeder that each row is about."""
    names = table.texts("bus")
    return np.array([_found(table, row, feeder.bus_index, name) for row, name in enumerate(names)], dtype=np.int64)


def _found(table: Table, row: int, position: Callable[[str], int], name: str) -> int:
    try:
        return position(name)
    except NetworkDataError as error:
        raise NetworkDataError(f"{table.where(row)}: {error}") from None


def _phase_sets(table: Table, column: str) -> BoolVector:
    """Return (n_rows, 3) the phases in a column such as "ac"."""
    texts = table.texts(column)
    for row, text in enumerate(texts):
        if set(text) - set(PHASES) or len(set(text)) < len(text):
            raise NetworkDataError(f"{table.where(row)}: {column} is {text!r}; allowed: some of {PHASES}, each once")
    return np.array([[phase in text for phase in PHASES] for text in texts])


def _closed_switches(path: Path, feeder: Feeder) -> dict[int, BoolVector]:
    """Return the phases of the lines that are closed switches, by line."""
    if not path.is_file():
        return {}
    table = read_table(path, ("from", "to", "phases", "normal_state"), ("id", "note"))
    phases, found = _phase_sets(table, "phases"), {}
    for row, state in enumerate(table.texts("normal_state")):
        if state not in ("open", "closed"):
            raise NetworkDataError(f"{table.where(row)}: normal_state is {state!r}; allowed: open, closed")
        if state == "closed":
            name = f"{table.cells['from'][row]}-{table.cells['to'][row]}"
            line = _found(table, row, feeder.line_index, name)
            if line in found:
                raise NetworkDataError(f"{table.where(row)}: line {feeder.line_names[line]} stands here already")
            found[line] = phases[row]
    return found


def _check_all_stated(lines: Table, stated: IntVector, switches: dict[int, BoolVector], feeder: Feeder) -> None:
    lines.unique(stated.tolist(), "this line")
    for row in np.flatnonzero(np.isin(stated, list(switches)))[:1]:
        raise NetworkDataError(f"{lines.where(int(row))}: this line is a closed switch of switches.csv, too")
    missing = set(range(feeder.n_lines)) - set(stated.tolist()) - set(switches)
    if missing:
        names = ", ".join(feeder.line_names[line] for line in sorted(missing)[:10])
        raise NetworkDataError(
            f"{lines.path}: {len(missing)} of {feeder.n_lines} lines have no row here and no closed switch in "
            f"switches.csv: {names}{', ...' if len(missing) > 10 else ''}"
        )


def _phases_of_buses(in_line: BoolVector, feeder: Feeder, folder: Path) -> BoolVector:
    """Return (n_buses, 3): a bus has the phases of the line that feeds it, the root has all."""
    at_bus = np.ones((feeder.n_buses, len(PHASES)), dtype=bool)
    for line in feeder.outward_lines:
        start, end = feeder.line_from[line], feeder.line_to[line]
        if np.any(in_line[line] & ~at_bus[start]):
            raise NetworkDataError(
                f"{folder}: line {feeder.line_names[line]} has the phases {_text(in_line[line])}, but bus "
                f"{feeder.buses[start]} gets only {_text(at_bus[start])} from the line that feeds it"
            )
        at_bus[end] = in_line[line]
    return at_bus


def _text(phases: BoolVector) -> str:
    return "".join(phase for phase, has in zip(PHASES, phases.tolist(), strict=True) if has)


def _impedances_ohm(lines: Table, in_line: BoolVector, path: Path) -> ComplexArray:
    """Return (n_rows, 3, 3) [ohm] impedances of lines, by length and configuration."""
    configs = read_table(path, ("config", "phases", *_OHM), _DESCRIPTION)
    names = configs.texts("config")
    configs.unique(names, "this configuration")
    has, per_mile = _phase_sets(configs, "phases"), _matrices(configs)
    length = lines.numbers("length_ft", "positive") / FEET_PER_MILE
    found = np.zeros((len(lines), len(PHASES), len(PHASES)), dtype=complex)
    for row, config in enumerate(lines.texts("config")):
        if config not in names:
            hint = near_matches(config, names)
            raise NetworkDataError(f"{lines.where(row)}: config is {config!r}, which is none of {path.name}{hint}")
        kind = names.index(config)
        if np.any(in_line[row] & ~has[kind]):
            raise NetworkDataError(
                f"{lines.where(row)}: phases is {_text(in_line[row])!r}, but configuration {config} has only "
                f"{_text(has[kind])!r}"
            )
        found[row] = per_mile[kind] * length[row] * np.outer(in_line[row], in_line[row])
    return found


def _matrices(configs: Table) -> ComplexArray:
    """Return (n_rows, 3, 3) [ohm/mile] symmetric matrices; entries of missing phases may be empty."""
    for row, text in enumerate(configs.texts("phases")):
        for column in _OHM:
            if set(column[2:4]) <= set(text) and not configs.cells[column][row]:
                raise NetworkDataError(f"{configs.where(row)}: column {column!r} is empty, but phases is {text!r}")
    found = np.zeros((len(configs), len(PHASES), len(PHASES)), dtype=complex)
    for part, unit in (("r", 1.0), ("x", 1j)):
        for i, j in _PAIRS:
            rule: Rule = "non-negative" if i == j else "finite"
            values = unit * configs.numbers(f"{part}_{i}{j}_ohm_per_mile", rule, blank=0.0)
            a, b = PHASES.index(i), PHASES.index(j)
            found[:, a, b] += values
            if a != b:
                found[:, b, a] += values
    return found


def _loads(path: Path, at_bus: BoolVector, feeder: Feeder) -> tuple[Vector, Vector]:
    """Return (n_buses, 3) [kW], [kvar] loads; they add up to those of the balanced equivalent."""
    table = read_table(path, ("bus", "connection", *_LOADS), ("model", "p_total_kw", "q_total_kvar"))
    buses, connection = _bus_positions(table, feeder), table.texts("connection")
    table.unique(list(zip(buses.tolist(), connection, strict=True)), "a load of this bus and connection")
    entry = np.array([table.numbers(column, "finite") for column in _LOADS]).T
    entry = entry[:, : len(PHASES)] + 1j * entry[:, len(PHASES) :]
    total = np.zeros((feeder.n_buses, len(PHASES)), dtype=complex)
    for row, (bus, how) in enumerate(zip(buses.tolist(), connection, strict=True)):
        if how not in ("wye", "delta"):
            raise NetworkDataError(f"{table.where(row)}: connection is {how!r}; allowed: wye, delta")
        needed = (entry[row] != 0) if how == "wye" else (entry[row] != 0) | (np.roll(entry[row], 1) != 0)
        _check_has(table, row, needed, at_bus[bus])
        total[bus] += entry[row] if how == "wye" else wye_from_delta(entry[row])
    _check_sum(table, total.real, feeder.p_kw, "p_kw", feeder)
    _check_sum(table, total.imag, feeder.q_kvar, "q_kvar", feeder)
    return total.real, total.imag


def _capacitors(path: Path, at_bus: BoolVector, feeder: Feeder) -> Vector:
    """Return (n_buses, 3) [kvar] capacitors, between phases and ground."""
    total = np.zeros((feeder.n_buses, len(PHASES)))
    if not path.is_file() and not feeder.cap_kvar.any():
        return total
    table = read_table(path, ("bus", *_CAPACITORS), ("q_total_kvar", "connection"))
    buses = _bus_positions(table, feeder)
    table.unique(buses.tolist(), "a capacitor of this bus")
    total[buses] = np.array([table.numbers(column, "non-negative") for column in _CAPACITORS]).T
    connection = table.texts("connection") if "connection" in table.cells else ("wye",) * len(table)
    for row, bus in enumerate(buses):
        if connection[row] != "wye":
            raise NetworkDataError(f"{table.where(row)}: connection is {connection[row]!r}; allowed: wye")
        _check_has(table, row, total[bus] > 0, at_bus[bus])
    _check_sum(table, total, feeder.cap_kvar, "cap_kvar", feeder)
    return total


def _taps(path: Path, in_line: BoolVector, feeder: Feeder) -> Vector:
    """Return (n_lines, 3) ratios of regulators."""
    ratio = np.ones((feeder.n_lines, len(PHASES)))
    if not path.is_file():
        return ratio
    table = read_table(path, ("from", "to", "phase", "ratio"), ("regulator", "published_tap"))
    lines, phases, given = _line_positions(table, feeder), table.texts("phase"), table.numbers("ratio", "positive")
    table.unique(list(zip(lines.tolist(), phases, strict=True)), "a regulator of this line and phase")
    for row, (line, phase) in enumerate(zip(lines.tolist(), phases, strict=True)):
        start = feeder.buses[feeder.line_from[line]]
        if table.cells["from"][row] != start:
            raise NetworkDataError(f"{table.where(row)}: from must be {start!r}, which is nearer to the root")
        if phase not in PHASES or not in_line[line, PHASES.index(phase)]:
            raise NetworkDataError(f"{table.where(row)}: phase is {phase!r}; allowed: one of {_text(in_line[line])}")
        ratio[line, PHASES.index(phase)] = given[row]
    return ratio


def _check_has(table: Table, row: int, needed: BoolVector, has: BoolVector) -> None:
    if np.any(needed & ~has):
        raise NetworkDataError(
            f"{table.where(row)}: it needs phase {_text(needed & ~has)}, but the line that feeds bus "
            f"{table.cells['bus'][row]} has only {_text(has)}"
        )


def _check_sum(table: Table, by_phase: Vector, total: Vector, column: str, feeder: Feeder) -> None:
    off = ~(np.abs(by_phase.sum(axis=1) - total) <= SUM_TOLERANCE * np.maximum(1.0, np.abs(total)))
    for bus in np.flatnonzero(off)[:1]:
        raise NetworkDataError(
            f"{table.path}: the phases of bus {feeder.buses[bus]} sum to {by_phase[bus].sum():g}, but its {column} in "
            f"buses.csv is {total[bus]:g}"
        )
