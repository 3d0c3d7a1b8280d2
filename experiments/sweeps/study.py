"""A study in a TOML file: a case, what varies and how, and the figure to draw; every key states its meaning here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, PrivateAttr, Strict, ValidationError

from experiments.case import builtin_cases, load_case, problems_of, read_toml
from experiments.case_problems import raise_data_error
from experiments.case_schema import Case
from experiments.case_section import Section, key
from experiments.case_vehicles import Name
from experiments.defaults import MAX_SWEEPS, TOLERANCE

BUILT_IN = Path(__file__).parents[1] / "studies"
VALUES = {"from", "to", "steps", "scale", "times"}  # keys of a table that states values

Words: TypeAlias = Annotated[tuple[str, ...], Strict(False)]
Sizes: TypeAlias = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Strict(False)]
Numbers: TypeAlias = Annotated[tuple[float, ...], Strict(False)]
Searches: TypeAlias = Annotated[tuple[Literal["exhaustive", "add", "drop"], ...], Strict(False)]


class Random(Section):
    """Table [random]: seeded draws; the same samples at every point of the grid."""

    samples: int = key("Draws of all keys", ge=1)
    seed: int = key("Seed; the first samples stay the same if there are more", default=0, ge=0)
    draw: dict[str, Any] = key("Case keys with their distributions, as in { normal = [1.0, 0.1], times = true }")


class OneAtATime(Section):
    """Table [one_at_a_time]: every key alone by every factor, and the case as it is."""

    keys: Words = key("Case keys", min_length=1)
    times: Numbers = key("Factors", min_length=1)


class Siting(Section):
    """Table [siting]: which of the case's stations are built."""

    search: Searches = key("Every choice; adding, or dropping, the station that is best one at a time", min_length=1)
    sizes: Sizes = key("Numbers of stations", min_length=1)
    minimise: str = key("Quantity that the best choice has least of", default="social_cost_usd_per_h")


class FigureKeys(Section):
    """Table [figure]: what is drawn of the table of results."""

    title: str = key("Headline")
    kind: Literal["lines", "siting", "changes"] = key(
        "Lines over x, bands where there are samples; choices of stations; a cell for every change", default="lines"
    )
    x: str = key("Column on the horizontal axis", default="")
    x_label: str = key("Its name and unit; without it, what the case format says", default="")
    x_scale: Literal["linear", "log"] = key("Scale of the horizontal axis", default="linear")
    by: str = key("Column whose values are told apart by colour", default="")
    y: Words = key("Quantities, one panel each; NAME.* for all entries of one", min_length=1)


class Study(Section):
    """A study file. The runs are all combinations of grid, points, samples, single changes and sites."""

    name: Name = key("Name of the study; it also names the folder of results")
    case: str = key("Built-in case or path of a TOML file, from the study's folder", min_length=1)
    scenario: str = key("Scenario of runs that state none", default="base")
    v2g: bool = key("Whether vehicles may discharge, in runs that state it not", default=True)
    method: str = key("Method of solve; the monolith is the fastest", default="monolith")
    tolerance: float = key("Tolerance of solve", default=TOLERANCE, gt=0, lt=1)
    max_sweeps: int = key("Most sweeps of the coordinator", default=MAX_SWEEPS, ge=1)
    grid: dict[str, Any] = key("Keys with lists of values, or { from, to, steps }; all combinations", default={})
    points: Annotated[tuple[dict[str, Any], ...], Strict(False)] = key(
        "Keys with one value each; a run each", default=()
    )
    random: Random | None = None
    one_at_a_time: OneAtATime | None = None
    siting: Siting | None = None
    findings: bool = key("Judge the paper's findings on the runs that differ in scenario and V2G only", default=False)
    figure: FigureKeys | None = None

    _file: str = PrivateAttr(default="")
    _case: Case | None = PrivateAttr(default=None)

    @property
    def file(self) -> str:
        """The file that messages name."""
        return self._file or self.name

    @property
    def base_case(self) -> Case:
        """The case as it is before anything varies."""
        return self._case if self._case is not None else load_case(self.case)


def builtin_studies() -> list[str]:
    """The names of the built-in studies."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def load_study(source: str | Path) -> Study:
    """The study of a built-in name or a TOML file, with its case. Raises DataError that lists every problem."""
    names = builtin_studies()
    path = BUILT_IN / f"{source}.toml" if source in names else Path(source)
    file = path.name if path.parent == BUILT_IN else str(path)
    data = read_toml(path, file, names, what="study")
    try:
        study = Study.model_validate(_flattened(data))
    except ValidationError as error:
        raise_data_error(file, problems_of(error, Study), data)
    study._file = file
    study._case = load_case(study.case if study.case in _case_names() else path.parent / study.case)
    return study


def _case_names() -> list[str]:
    return [case["name"] for case in builtin_cases()]


def _flattened(data: Mapping[str, Any]) -> dict[str, Any]:
    """The tables with every varied key in one piece: vehicles.battery_kwh = [...] is the table of a table in TOML."""
    result = dict(data)
    if isinstance(result.get("grid"), Mapping):
        result["grid"] = _flat(result["grid"], lambda table: bool(table.keys() & VALUES))
    if isinstance(result.get("points"), list):
        result["points"] = [
            _flat(each, lambda table: False) if isinstance(each, Mapping) else each for each in result["points"]
        ]
    random = result.get("random")
    if isinstance(random, Mapping) and isinstance(random.get("draw"), Mapping):
        result["random"] = {**random, "draw": _flat(random["draw"], _states_a_draw)}
    return result


def _states_a_draw(table: Mapping[str, Any]) -> bool:
    return any(not isinstance(value, Mapping) for value in table.values())


def _flat(table: Mapping[str, Any], is_value: Callable[[Mapping[str, Any]], bool], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, Mapping) and value and not is_value(value):
            flat |= _flat(value, is_value, path)
        else:
            flat[path] = value
    return flat
