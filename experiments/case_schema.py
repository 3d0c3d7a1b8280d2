"""The keys of a case file as frozen pydantic models; every key states its meaning, unit, default and range here."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, PrivateAttr, Strict, model_validator

from bestresponse.errors import DataError
from bestresponse.market import NAMES, readable
from experiments.case_problems import Problem, listed, nearest, refuse, repeated, shown
from experiments.case_section import Section, key
from experiments.case_stations import Station, StationDefaults, StationEntry, Waiting
from experiments.case_vehicles import SHARE_TOLERANCE, Name, Vehicles

OTHERS = ("CNO", "DSO", "Households", "Traffic")  # players who are no load serving entities

Flow: TypeAlias = Annotated[float, Field(ge=0)]
Limit: TypeAlias = Annotated[float, Field(gt=0)]


class Road(Section):
    """Table [road]."""

    network: str = key(
        'Built-in road name, TNTP "_net" file, GMNS folder (link.csv, node.csv) or one with links.csv and nodes.csv',
        min_length=1,
    )
    minutes_per_time_unit: float = key("What a unit of time in a TNTP file is", "min", default=1.0, gt=0)
    km_per_length_unit: float = key(
        "What a unit of length in a TNTP file, or a GMNS folder without config.csv, is", "km", default=1.0, gt=0
    )
    capacity_factor: float = key("Multiplies the capacity of every link", default=1.0, gt=0)
    base_routes: int = key("Shortest simple routes kept per OD pair, ties with the last included", default=10, ge=1)


def od_name(pair: tuple[int, int]) -> str:
    """The name of an OD pair, as in "1-20"."""
    return f"{pair[0]}-{pair[1]}"


class Demand(Section):
    """Table [demand]: every origin to every destination, origin by origin, without trips from a node to itself."""

    origins: Annotated[tuple[int, ...], Strict(False)] = key("Road nodes where trips start", min_length=1)
    destinations: Annotated[tuple[int, ...], Strict(False)] = key("Road nodes where trips end", min_length=1)
    ev_veh_per_h: float = key("Electric vehicles of every OD pair", "veh/h", ge=0)
    fv_veh_per_h: float = key("Fuel vehicles of every OD pair", "veh/h", default=0.0, ge=0)
    ev_by_od: dict[str, Flow] = key('Electric vehicles of single OD pairs, as in {"1-20" = 19.0}', "veh/h", default={})
    fv_by_od: dict[str, Flow] = key('Fuel vehicles of single OD pairs, as in {"1-20" = 19.0}', "veh/h", default={})
    trips: str = key(
        "Trip table that says how many vehicles the OD pairs in it have, where ev_by_od and fv_by_od do not: built-in "
        'name, TNTP "_trips" file, demand.csv or a GMNS folder that holds one; in veh/h',
        default="",
    )
    ev_share: float = key("Share of the trips in that table that are electric", default=1.0, ge=0, le=1)

    @property
    def od_pairs(self) -> tuple[tuple[int, int], ...]:
        """(origin, destination) of every OD pair, in the order in which they are counted."""
        return tuple((start, end) for start in self.origins for end in self.destinations if start != end)

    @property
    def ev_by_pair(self) -> tuple[float, ...]:
        """(n_od_pairs,) [veh/h] electric vehicles, in the order of od_pairs."""
        return tuple(self.ev_by_od.get(od_name(pair), self.ev_veh_per_h) for pair in self.od_pairs)

    @property
    def fv_by_pair(self) -> tuple[float, ...]:
        """(n_od_pairs,) [veh/h] fuel vehicles, in the order of od_pairs."""
        return tuple(self.fv_by_od.get(od_name(pair), self.fv_veh_per_h) for pair in self.od_pairs)

    @model_validator(mode="after")
    def _pairs_exist(self) -> Demand:
        names = [od_name(pair) for pair in self.od_pairs]
        problems = repeated(self.origins, ("origins",)) + repeated(self.destinations, ("destinations",))
        if not names:
            problems.append(Problem(("destinations",), "given only the origin itself, must hold another node"))
        for table, overrides in (("ev_by_od", self.ev_by_od), ("fv_by_od", self.fv_by_od)):
            for name in overrides.keys() - set(names):
                text = f"no OD pair of this case{nearest(name, names)} Pairs: {listed(names)}"
                problems.append(Problem((table, name), text))
        refuse(sorted(problems, key=lambda problem: str(problem.where)))
        return self


class FeederKeys(Section):
    """Table [feeder]."""

    network: str = key(
        "Built-in feeder name, folder with buses.csv, lines.csv and feeder.toml (for three phases also three_phase), "
        "OpenDSS master file (.dss), file of `pandapower.to_json` (.json), or "
        '"pandapower:" and the name of a network that pandapower ships',
        min_length=1,
    )
    source_voltage_pu: float = key("Voltage at the root, within the two limits", "p.u.", default=1.0, gt=0)
    voltage_min_pu: float = key("Lowest voltage at any bus", "p.u.", default=0.95, gt=0)
    voltage_max_pu: float = key("Highest voltage at any bus", "p.u.", default=1.05, gt=0)

    @model_validator(mode="after")
    def _limits_in_order(self) -> FeederKeys:
        low, source, high = self.voltage_min_pu, self.source_voltage_pu, self.voltage_max_pu
        if not low < high:
            refuse([Problem(("voltage_min_pu",), f"given {low:g}, must be < voltage_max_pu = {high:g}")])
        if not low <= source <= high:
            allowed = f"between voltage_min_pu = {low:g} and voltage_max_pu = {high:g}"
            refuse([Problem(("source_voltage_pu",), f"given {source:g}, must be {allowed}")])
        return self


class Tso(Section):
    """Table [tso]: the supply at the root of the feeder."""

    price_usd_per_kwh: float = key("Wholesale price", "$/kWh")
    p_max_kw: float = key("Most import", "kW", ge=0)
    q_min_kvar: float = key("Least reactive import (negative: export), ≤ q_max_kvar", "kvar")
    q_max_kvar: float = key("Most reactive import", "kvar")

    @model_validator(mode="after")
    def _limits_in_order(self) -> Tso:
        if not self.q_min_kvar <= self.q_max_kvar:
            refuse([Problem(("q_min_kvar",), f"given {self.q_min_kvar:g}, must be ≤ q_max_kvar = {self.q_max_kvar:g}")])
        return self


class Households(Section):
    """Table [households]: demand curves through the load of the feeder at the reference price."""

    reference_price_usd_per_kwh: float = key("Price at which households take their load", "$/kWh", gt=0)
    elasticity: float = key("Price elasticity of demand at the reference price, as a positive number", gt=0)
    served_portion: float = key("Portion of the load that must be served or shed", default=1.0, ge=0, le=1)
    value_of_lost_load_usd_per_kwh: float = key("Cost of load not served", "$/kWh", ge=0)


class Generator(Section):
    """An entry of ``generators``; it costs c1·g + c2·g²/2 and produces at least 0."""

    bus: str = key("Bus of the generator", min_length=1)
    p_max_kw: float = key("Most generation", "kW", ge=0)
    c1_usd_per_kwh: float = key("Marginal cost at no generation", "$/kWh")
    c2_usd_per_kw2h: float = key("Rise of the marginal cost", "$/kW²h", default=0.0, ge=0)
    q_max_kvar: float = key("Reactive power it can give or take", "kvar", default=0.0, ge=0)


class LoadServingEntity(Section):
    """An entry of [[lse]]."""

    name: str = key("Name of the load serving entity", min_length=1)
    share: float = key("Share of the obligation to serve; all shares sum to 1", ge=0, le=1)
    conduct: float = key("Market conduct: 1 Cournot, 0 perfect competition", default=1.0, ge=0, le=1)
    generators: Annotated[tuple[Generator, ...], Strict(False)] = key("Generators it owns", default=())


class ExtraPlayer(Section):
    """An entry of [[players.extra]]: a player beside the roles."""

    model: str = key("A name of `bestresponse models extra`, or its class or function as module:callable", min_length=1)
    options: dict[str, Any] = key("What it is called with", default={})


class Players(Section):
    """Table [players]: which model plays which role. A name of `bestresponse models`, or module:callable."""

    cno: str = key("Model of the charging network operator", default="price_taker", min_length=1)
    dso: str = key("Model of the distribution system operator", default="linear", min_length=1)
    lse: str = key("Model of the load serving entities", default="conduct", min_length=1)
    households: str = key("Model of the households", default="affine", min_length=1)
    traffic: str = key("Model of the drivers", default="enumerated", min_length=1)
    options: dict[str, dict[str, Any]] = key("Options of the models, by role", default={})
    extra: Annotated[tuple[ExtraPlayer, ...], Strict(False)] = key("Further players", default=())


class Scenario(Section):
    """A table [scenarios.NAME]."""

    load_factor: float = key("Multiplies active and reactive load of every bus", default=1.0, gt=0)
    outages: Annotated[tuple[str, ...], Strict(False)] = key("Lines taken out, by their two buses", default=())
    line_limits_kva: dict[str, Limit] = key('Ratings of single lines, as in {"67-72" = 150.0}', "kVA", default={})


def _one_per_node(stations: tuple[StationEntry, ...]) -> tuple[StationEntry, ...]:
    refuse(repeated((station.node for station in stations), after=("node",)))
    return stations


def _shares_and_names(entities: tuple[LoadServingEntity, ...]) -> tuple[LoadServingEntity, ...]:
    total = sum(entity.share for entity in entities)
    problems = repeated((entity.name for entity in entities), after=("name",))
    for position, entity in enumerate(entities):
        if entity.name in OTHERS:
            text = f"given {shown(entity.name)}, must not be the name of another player: {listed(OTHERS)}"
            problems.append(Problem((position, "name"), text))
        if not readable(entity.name):
            text = f"given {shown(entity.name)}; {NAMES} can be told in tables and traces"
            problems.append(Problem((position, "name"), text))
    if not abs(total - 1.0) <= SHARE_TOLERANCE:
        given = " + ".join(f"{entity.share:g}" for entity in entities)
        problems.append(Problem((), f"given shares {given} = {total:.10g}, must sum to 1"))
    refuse(problems)
    return entities


Stations: TypeAlias = Annotated[tuple[StationEntry, ...], Strict(False), AfterValidator(_one_per_node)]
Entities: TypeAlias = Annotated[tuple[LoadServingEntity, ...], Strict(False), AfterValidator(_shares_and_names)]


class Case(Section):
    """A case file: roads, vehicles, stations, feeder, markets and the scenarios to run."""

    name: Name = key("Name of the case; it also names files")
    road: Road
    demand: Demand
    vehicles: Vehicles
    waiting: Waiting
    station_defaults: StationDefaults
    stations: Stations = key("Charging stations, one per road node at most", default=())
    feeder: FeederKeys
    tso: Tso
    households: Households
    lse: Entities = key("Load serving entities", min_length=1)
    players: Players = Field(default=Players())
    scenarios: dict[Name, Scenario] = key("Scenarios by name", default={"base": Scenario()}, min_length=1)

    _file: str = PrivateAttr(default="")

    @property
    def file(self) -> str:
        """The file that messages name; the case's name if it was built in Python."""
        return self._file or self.name

    def called(self, file: str) -> Case:
        """The same case under the file name that messages shall use."""
        same = self.model_copy()
        same._file = file
        return same

    def scenario(self, name: str) -> Scenario:
        """A scenario by name; raises DataError with the nearest and all names for an unknown one."""
        if name not in self.scenarios:
            hint = nearest(name, self.scenarios)
            raise DataError(f"{self.file}: no scenario {shown(name)}{hint} Scenarios: {listed(self.scenarios)}")
        return self.scenarios[name]

    def resolved_stations(self) -> tuple[Station, ...]:
        """The stations in file order, each with node, bus and every waiting and equipment key after overrides."""
        shared = self.waiting.model_dump() | self.station_defaults.model_dump()
        return tuple(Station(**(shared | entry.model_dump(exclude_none=True))) for entry in self.stations)

    @model_validator(mode="after")
    def _station_limits_in_order(self) -> Case:
        problems = []
        for position, station in enumerate(self.resolved_stations()):
            for bound in ("net_max_kw", "capacity_kw"):
                if not station.net_min_kw <= getattr(station, bound):
                    text = f"given {station.net_min_kw:g}, must be ≤ {bound} = {getattr(station, bound):g}"
                    problems.append(Problem(("stations", position, "net_min_kw"), text))
        refuse(problems)
        return self
