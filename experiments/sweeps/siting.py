"""Which stations to build: every choice of some, or one station at a time added or dropped by what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, TypeAlias

from bestresponse.errors import DataError
from experiments.case_problems import shown
from experiments.sweeps.design import Point, Setting
from experiments.sweeps.study import Siting, Study

Choice: TypeAlias = tuple[int, ...]  # positions of the stations that are built, in file order
Score: TypeAlias = Callable[[Point], float]  # of a finished run; NaN if it failed

SEPARATOR = "+"  # between the nodes of a choice in the table


def batches(study: Study, designs: Sequence[Point], score: Score) -> Iterator[list[Point]]:
    """Yield the runs of a study in batches; with greedy siting the next depends on the scores of the last.

    Raises DataError for sizes that the case's stations do not allow.
    """
    if study.siting is None:
        yield list(designs)
        return
    stations = study.base_case.model_dump()["stations"]
    _check_sizes(study, study.siting, len(stations))
    for design in designs:
        yield from _searches(study.siting, design, stations, score)


def chosen_nodes(text: str) -> frozenset[str]:
    """Return the nodes of a choice as the table shows it."""
    return frozenset(text.split(SEPARATOR))


def _searches(
    siting: Siting, design: Point, stations: Sequence[Mapping[str, Any]], score: Score
) -> Iterator[list[Point]]:
    """Yield the runs of all searches from one design, none twice."""
    points: dict[Choice, Point] = {}

    def new(choices: Sequence[Choice]) -> list[Point]:
        fresh = {choice: (*design, _setting(stations, choice)) for choice in choices if choice not in points}
        points.update(fresh)
        return list(fresh.values())

    everything = tuple(range(len(stations)))
    if "exhaustive" in siting.search:
        yield new([choice for size in siting.sizes for choice in combinations(everything, size)])
    if "add" in siting.search:
        yield from _greedy((), max(siting.sizes), lambda chosen: _with_one_more(chosen, everything), new, points, score)
    if "drop" in siting.search:
        yield new([everything])
        yield from _greedy(everything, min(siting.sizes), _with_one_less, new, points, score)


def _greedy(
    chosen: Choice,
    size: int,
    neighbours: Callable[[Choice], list[Choice]],
    new: Callable[[Sequence[Choice]], list[Point]],
    points: Mapping[Choice, Point],
    score: Score,
) -> Iterator[list[Point]]:
    """Yield the neighbours of the best choice so far until it has the size, or until none of them can be judged."""
    while len(chosen) != size:
        choices = neighbours(chosen)
        yield new(choices)
        judged = [(value, choice) for choice in choices if (value := score(points[choice])) == value]
        if not judged:
            return
        chosen = min(judged)[1]


def _with_one_more(chosen: Choice, everything: Choice) -> list[Choice]:
    return [tuple(sorted((*chosen, k))) for k in everything if k not in chosen]


def _with_one_less(chosen: Choice) -> list[Choice]:
    return [tuple(other for other in chosen if other != k) for k in chosen]


def _setting(stations: Sequence[Mapping[str, Any]], choice: Choice) -> Setting:
    built = [stations[k] for k in choice]
    nodes = SEPARATOR.join(str(station["node"]) for station in built)
    return Setting("stations", built, shown_as={"stations": nodes, "n_stations": len(built)})


def _check_sizes(study: Study, siting: Siting, most: int) -> None:
    for size in siting.sizes:
        if not size <= most:
            raise DataError(
                f"{study.file}: siting.sizes: given {shown(size)}, must be at most the case's {most} stations"
            )
