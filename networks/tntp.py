"""Readers for the text files of the TransportationNetworks collection (TNTP): `_net`, `_node`, `_trips`.

The files state no units and vary in detail: fields may be missing at the end of a row, metadata may be absent, rows
may or may not end in a semicolon, and `~` starts a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from networks.errors import NetworkDataError
from networks.tables import Rule, check_powers, check_values, read_text
from networks.typing import IntVector, Vector

_NET_FIELDS = ("init node", "term node", "capacity", "length", "free flow time", "b", "power", "speed", "toll", "type")
_DEFAULTS = (0.15, 4.0, 0.0, 0.0, 0.0)  # of the last five fields, which may be missing
_METADATA = re.compile(r"<([^>]*)>\s*(.*)")
_TOTAL_TOLERANCE = 1e-3  # relative; published totals are rounded sums


@dataclass(frozen=True, eq=False)
class NetFile:
    """The columns of a road file, in the file's own units."""

    nodes: IntVector  # (n_nodes,) all node numbers, ascending
    tail: IntVector  # (n_links,)
    head: IntVector  # (n_links,)
    capacity: Vector  # (n_links,)
    length: Vector  # (n_links,)
    free_flow_time: Vector  # (n_links,)
    coefficient: Vector  # (n_links,)
    power: Vector  # (n_links,)
    toll: Vector  # (n_links,)
    lines: tuple[int, ...]  # (n_links,) line of the file
    xy: Vector | None  # (n_nodes, 2) from the sibling `_node` file
    first_through_node: int


def read_net(path: Path) -> NetFile:
    """Return the links of a TNTP `_net` file and, if a sibling `_node` file exists, the coordinates.

    Raises NetworkDataError with file and line for text where a number belongs, rows too short or too long, values out
    of range (capacity > 0; times, lengths, b and power >= 0; see `check_powers`), and counts that
    differ from the declared ones.
    """
    metadata, rows = _split(path)
    columns = _link_columns(path, rows)
    lines = tuple(line for line, _ in rows)
    tail, head = (_whole(path, lines, columns[:, k], _NET_FIELDS[k]) for k in (0, 1))

    def where(link: int) -> str:
        return f"{path}, line {lines[link]}"

    for k in (2, 3, 4, 5, 6):
        rule: Rule = "positive" if _NET_FIELDS[k] == "capacity" else "non-negative"
        check_values(columns[:, k], rule, where, _NET_FIELDS[k])
    check_powers(columns[:, 4] * columns[:, 5], columns[:, 6], where)
    nodes, xy = _nodes(path, np.union1d(tail, head))
    _check_count(path, metadata, "NUMBER OF LINKS", len(tail), "links")
    declared = _declared(path, metadata, "NUMBER OF NODES")
    if declared is not None and declared < len(nodes):
        raise NetworkDataError(f"{path}: NUMBER OF NODES declares {declared}, but {len(nodes)} nodes have links")
    return NetFile(
        nodes=nodes,
        tail=tail,
        head=head,
        capacity=columns[:, 2],
        length=columns[:, 3],
        free_flow_time=columns[:, 4],
        coefficient=columns[:, 5],
        power=columns[:, 6],
        toll=columns[:, 8],
        lines=lines,
        xy=xy,
        first_through_node=_declared(path, metadata, "FIRST THRU NODE") or 1,
    )


def read_trips(path: Path) -> dict[tuple[int, int], float]:
    """Return (origin, destination) -> trips of a TNTP `_trips` file, positive entries only, also within a zone.

    Raises NetworkDataError with file and line for entries that are no "destination : trips", negative or repeated
    entries, node numbers above the declared number of zones, and a declared total that is off by more than 0.1 %.
    """
    metadata, rows = _split(path)
    zones = _declared(path, metadata, "NUMBER OF ZONES")
    trips: dict[tuple[int, int], float] = {}
    origin: int | None = None
    for line, text in rows:
        where = f"{path}, line {line}"
        if text.lower().startswith("origin"):
            origin = _zone(where, text[len("origin") :], zones)
            continue
        for entry in filter(None, (part.strip() for part in text.split(";"))):
            if origin is None:
                raise NetworkDataError(f"{where}: trips stand before the first 'Origin' line")
            destination, colon, value = entry.partition(":")
            if not colon:
                raise NetworkDataError(f"{where}: {entry!r} is no 'destination : trips'")
            pair = (origin, _zone(where, destination, zones))
            if pair in trips:
                raise NetworkDataError(f"{where}: trips from {pair[0]} to {pair[1]} are given twice")
            trips[pair] = _number(where, value, "trips")
            if not (0.0 <= trips[pair] < np.inf):
                raise NetworkDataError(f"{where}: trips from {pair[0]} to {pair[1]} are {value.strip()}; allowed: >= 0")
    _check_total(path, metadata, sum(trips.values()))
    return {pair: number for pair, number in trips.items() if number > 0.0}


def read_nodes(path: Path) -> dict[int, tuple[float, float]]:
    """Return node -> (x, y) of a TNTP `_node` file, with or without a header line."""
    places: dict[int, tuple[float, float]] = {}
    for position, (line, text) in enumerate(_split(path)[1]):
        where = f"{path}, line {line}"
        fields = text.rstrip("; \t").split()
        if position == 0 and fields[0].lower() in ("node", "id"):
            continue
        if len(fields) < 3:
            raise NetworkDataError(f"{where}: {len(fields)} fields; a row has node, x, y")
        node = _zone(where, fields[0], None)
        if node in places:
            raise NetworkDataError(f"{where}: node {node} is given twice")
        places[node] = (_number(where, fields[1], "x"), _number(where, fields[2], "y"))
    return places


def _split(path: Path) -> tuple[dict[str, str], list[tuple[int, str]]]:
    """Return the metadata and the numbered rows that are neither blank nor comment."""
    metadata: dict[str, str] = {}
    rows: list[tuple[int, str]] = []
    for line, text in _uncommented(path):
        match = _METADATA.match(text)
        if match:
            metadata[match[1].strip().upper()] = match[2].strip()
        elif text.strip(";"):
            rows.append((line, text))
    if not rows:
        raise NetworkDataError(f"{path}: the file holds no data row")
    return metadata, rows


def _uncommented(path: Path) -> Iterator[tuple[int, str]]:
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        yield line, text.partition("~")[0].strip()


def _link_columns(path: Path, rows: list[tuple[int, str]]) -> Vector:
    """Return the (n_links, 10) numbers of a `_net` file, missing trailing fields filled with their defaults."""
    table = []
    for line, text in rows:
        fields = text.rstrip("; \t").split()
        if not (5 <= len(fields) <= len(_NET_FIELDS)):
            raise NetworkDataError(
                f"{path}, line {line}: {len(fields)} fields; a link has 5 to 10: {', '.join(_NET_FIELDS)}"
            )
        numbers = [_number(f"{path}, line {line}", field, _NET_FIELDS[k]) for k, field in enumerate(fields)]
        table.append(numbers + list(_DEFAULTS[len(numbers) - 5 :]))
    return np.array(table)


def _nodes(path: Path, linked: IntVector) -> tuple[IntVector, Vector | None]:
    """Return the node numbers, and their coordinates where a sibling `_node` file places all of them."""
    sibling = path.with_name(path.name.replace("_net", "_node"))
    if sibling == path or not sibling.is_file():
        return linked, None
    places = read_nodes(sibling)
    for node in linked.tolist():
        if node not in places:
            raise NetworkDataError(f"{sibling}: node {node} of {path.name} has no coordinates")
    nodes = np.array(sorted(places), dtype=np.int64)
    return nodes, np.array([places[node] for node in nodes.tolist()])


def _declared(path: Path, metadata: dict[str, str], key: str) -> int | None:
    text = metadata.get(key, "")
    if not text:
        return None
    number = _number(f"{path}, <{key}>", text, key)
    if not (number.is_integer() and number >= 0):
        raise NetworkDataError(f"{path}, <{key}>: {text!r}; allowed: whole numbers")
    return int(number)


def _check_count(path: Path, metadata: dict[str, str], key: str, found: int, what: str) -> None:
    declared = _declared(path, metadata, key)
    if declared is not None and declared != found:
        raise NetworkDataError(f"{path}: {key} declares {declared}, but the file holds {found} {what}")


def _check_total(path: Path, metadata: dict[str, str], total: float) -> None:
    text = metadata.get("TOTAL OD FLOW", "")
    declared = _number(f"{path}, <TOTAL OD FLOW>", text, "TOTAL OD FLOW") if text else total
    if not (abs(declared - total) <= _TOTAL_TOLERANCE * max(1.0, abs(total))):
        raise NetworkDataError(f"{path}: TOTAL OD FLOW declares {declared:g}, but the entries sum to {total:g}")


def _number(where: str, text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise NetworkDataError(f"{where}: {what} is {text.strip()!r}; allowed: a number") from None


def _zone(where: str, text: str, zones: int | None) -> int:
    number = _number(where, text, "node")
    if not (number.is_integer() and number >= 1):
        raise NetworkDataError(f"{where}: node {text.strip()!r}; allowed: whole numbers from 1")
    if zones is not None and not (number <= zones):
        raise NetworkDataError(f"{where}: node {int(number)}, but NUMBER OF ZONES declares {zones}")
    return int(number)


def _whole(path: Path, lines: tuple[int, ...], values: Vector, what: str) -> IntVector:
    for k in np.flatnonzero(~(np.isfinite(values) & (values == np.floor(values)) & (values >= 1)))[:1]:
        raise NetworkDataError(f"{path}, line {lines[k]}: {what} is {values[k]:g}; allowed: whole numbers from 1")
    return values.astype(np.int64)
