"""Vehicles in a case file: one class of fuel vehicles, and one or several of electric ones."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, Strict, StringConstraints, model_validator

from experiments.case_problems import Problem, Where, refuse, repeated
from experiments.case_section import Section, key

SHARE_TOLERANCE = 1e-9
ELECTRIC, FUEL = "EV", "FV"  # names of the classes where the case names none
CHARGE_ONLY = "-charge-only"  # ends the name of the part of a class that may not discharge

Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
Energy: TypeAlias = Annotated[float, key("Battery of an electric vehicle, full at departure", "kWh", gt=0)]
Level: TypeAlias = Annotated[float, key('Energy left after discharging under the policy "level"', "kWh", gt=0)]
Policy: TypeAlias = Annotated[
    Literal["level", "need"],
    key('Discharge to post_discharge_kwh ("level") or to what the next leg needs ("need")'),
]
Anxiety: TypeAlias = Annotated[float, key("Share of the battery that drivers never use", ge=0, lt=1)]
Consumption: TypeAlias = Annotated[float, key("Energy an electric vehicle uses on the road", "kWh/km", gt=0)]
Wear: TypeAlias = Annotated[float, key("Battery wear per energy discharged", "$/kWh", ge=0)]
Adoption: TypeAlias = Annotated[float, key("Share of the electric vehicles that may discharge, with V2G", ge=0, le=1)]
OneValueOfTime: TypeAlias = Annotated[
    float, key("Value of time in electric vehicles, required where there are no classes", "$/h", gt=0)
]


class Battery(Section):
    """What electric vehicles store, use and wear out."""

    battery_kwh: Energy
    post_discharge_kwh: Level
    post_discharge: Policy = "level"
    range_anxiety: Anxiety = 0.2
    consumption_kwh_per_km: Consumption
    degradation_usd_per_kwh: Wear = 0.0
    v2g_share: Adoption = 1.0

    def level_problems(self, where: Where) -> list[Problem]:
        """A problem at a key if the energy left after discharging lies outside what the battery allows."""
        lowest = self.range_anxiety * self.battery_kwh
        if self.post_discharge == "need" or lowest <= self.post_discharge_kwh < self.battery_kwh:
            return []
        allowed = f"≥ range_anxiety · battery_kwh = {lowest:g} and < battery_kwh = {self.battery_kwh:g}"
        return [Problem(where, f"given {self.post_discharge_kwh:g}, must be {allowed}")]


class ElectricClassEntry(Section):
    """An entry of [[vehicles.classes]]: its share and value of time, and the keys in which it differs from the rest."""

    name: Name = key('Name of the class, not "FV"')
    share: float = key("Share of every OD pair's electric vehicles; all shares sum to 1", gt=0, le=1)
    value_of_time_usd_per_h: float = key("Value of time in vehicles of the class", "$/h", gt=0)
    battery_kwh: Energy | None = None
    post_discharge_kwh: Level | None = None
    post_discharge: Policy | None = None
    range_anxiety: Anxiety | None = None
    consumption_kwh_per_km: Consumption | None = None
    degradation_usd_per_kwh: Wear | None = None
    v2g_share: Adoption | None = None


class ElectricClass(Battery):
    """A class of electric vehicles with every key of [vehicles] after its own overrides: all or none may discharge."""

    name: str
    share: float
    value_of_time_usd_per_h: float

    @property
    def discharges(self) -> bool:
        """Whether vehicles of the class may discharge where there is V2G."""
        return self.v2g_share > 0

    def parts(self) -> tuple[ElectricClass, ...]:
        """The vehicles of the class that may discharge, and those that may not; a part without vehicles is left out."""
        if self.v2g_share in (0.0, 1.0):
            return (self,)
        adopted, other = self.v2g_share * self.share, (1.0 - self.v2g_share) * self.share
        return (
            self.model_copy(update={"share": adopted, "v2g_share": 1.0}),
            self.model_copy(update={"share": other, "v2g_share": 0.0, "name": self.name + CHARGE_ONLY}),
        )


class Vehicles(Battery):
    """Table [vehicles]: electric and fuel vehicles."""

    ev_value_of_time_usd_per_h: OneValueOfTime | None = None
    fv_value_of_time_usd_per_h: float = key("Value of time in fuel vehicles", "$/h", gt=0)
    classes: Annotated[tuple[ElectricClassEntry, ...], Strict(False)] = Field(
        default=(), description="Classes of electric vehicles; without any there is one, named EV"
    )

    @property
    def electric_classes(self) -> tuple[ElectricClass, ...]:
        """The classes that drive, in file order.

        One of which only a share may discharge drives as two, the second named with "-charge-only" at its end.
        """
        return tuple(part for each in self.stated_classes for part in each.parts())

    @property
    def stated_classes(self) -> tuple[ElectricClass, ...]:
        """The classes of electric vehicles as the file states them, each with every key after overrides."""
        shared = {name: getattr(self, name) for name in Battery.model_fields}
        if not self.classes:
            shared["value_of_time_usd_per_h"] = self.ev_value_of_time_usd_per_h
            return (ElectricClass(name=ELECTRIC, share=1.0, **shared),)
        return tuple(ElectricClass(**(shared | entry.model_dump(exclude_none=True))) for entry in self.classes)

    @model_validator(mode="after")
    def _classes_fit(self) -> Vehicles:
        problems = self.level_problems(("post_discharge_kwh",))
        if self.classes:
            problems = self._class_problems()
        elif self.ev_value_of_time_usd_per_h is None:
            text = "missing, must be a finite number > 0 where there are no classes"
            problems.append(Problem(("ev_value_of_time_usd_per_h",), text))
        refuse(problems)
        return self

    def _class_problems(self) -> list[Problem]:
        problems = repeated((entry.name for entry in self.classes), before=("classes",), after=("name",))
        halves = {each.parts()[-1].name for each in self.stated_classes if len(each.parts()) > 1}
        for position, each in enumerate(self.stated_classes):
            at = ("classes", position)
            if each.name in halves:
                problems.append(Problem((*at, "name"), f'given "{each.name}", the name of a part of another class'))
            problems += each.level_problems((*at, "post_discharge_kwh"))
            if each.name == FUEL:
                problems.append(
                    Problem((*at, "name"), f'given "{FUEL}", the name of the fuel vehicles; must be another')
                )
        total = sum(entry.share for entry in self.classes)
        if not abs(total - 1.0) <= SHARE_TOLERANCE:
            given = " + ".join(f"{entry.share:g}" for entry in self.classes)
            problems.append(Problem(("classes",), f"given shares {given} = {total:.10g}, must sum to 1"))
        return problems
