"""From a case and a scenario to the market: players by their roles, and the goods they trade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bestresponse.errors import DataError, FormulationError
from bestresponse.market import Good, Market
from bestresponse.player import Player
from bestresponse.typing import Vector
from experiments.case_check import check_case
from experiments.case_problems import Problem, listed, nearest, raise_data_error, shown
from experiments.case_schema import Case
from experiments.models.registry import MODELS, make_extra, make_role
from experiments.models.setting import PRICE_SCALE, STATION_QUANTITY, Setting
from networks.feeder import Feeder
from networks.road import RoadNetwork
from players import goods


@dataclass(frozen=True)
class Model:
    """One scenario of a case, ready to solve: the players by their roles, and their market."""

    setting: Setting
    players: Mapping[str, tuple[Player, ...]]  # by role, see `experiments.models.registry.MODELS`
    extra: tuple[Player, ...] = ()  # beside the roles

    def player(self, role: str) -> Any:
        """Return the player of a role that has one."""
        return self.players[role][0]

    @property
    def case(self) -> Case:
        """The case as it was stated."""
        return self.setting.case

    @property
    def scenario_name(self) -> str:
        """The name of the scenario."""
        return self.setting.scenario_name

    @property
    def v2g(self) -> bool:
        """Whether vehicles may discharge."""
        return self.setting.v2g

    @property
    def road(self) -> RoadNetwork:
        """The road network, with the case's capacity factor."""
        return self.setting.checked.road

    @property
    def feeder(self) -> Feeder:
        """The feeder with the scenario's loads, outages and limits."""
        return self.setting.feeder

    @cached_property
    def market(self) -> Market:
        """The market of all players. Raises DataError, naming the case, if they do not make one."""
        players = [player for group in self.players.values() for player in group]
        try:
            return Market(self._goods([*players, *self.extra]), (*players, *self.extra))
        except FormulationError as error:
            raise DataError(f"{self.case.file}: {error}") from error

    @cached_property
    def first_price(self) -> Vector:
        """(n_goods,) [$/kWh] prices to start from: the usual price, and free delivery."""
        return np.array([0.0 if good.family == "delivery" else PRICE_SCALE for good in self.market.goods])

    def _goods(self, players: list[Player]) -> tuple[Good, ...]:
        """The goods of all players, family by family."""
        found = dict.fromkeys(name for player in players for name in player.goods)
        usual = self.setting.usual_quantity
        return tuple(
            Good(name, goods.family(name), price_scale=PRICE_SCALE, quantity_scale=usual.get(name, STATION_QUANTITY))
            for name in sorted(found, key=goods.rank)
        )


def build(case: Case, scenario_name: str, v2g: bool) -> Model:
    """Return the model of one scenario of a case with or without V2G.

    Raises DataError, naming every problem, where the case does not fit its networks or has no such scenario.
    """
    case.scenario(scenario_name)
    checked = check_case(case, v2g)
    extra = make_extra(case)
    setting = Setting(checked, scenario_name, v2g, _buses_of(extra))
    if unknown := sorted(setting.further_buses.difference(setting.feeder.buses)):
        buses = setting.feeder.buses
        text = f"delivery to bus {shown(unknown[0])}, which the feeder has not{nearest(unknown[0], buses)}"
        raise_data_error(case.file, [Problem(("players", "extra"), f"{text} Buses: {listed(buses)}")], {})
    return Model(setting, {role: make_role(role, setting) for role in MODELS}, extra)


def _buses_of(players: Sequence[Player]) -> frozenset[str]:
    """The buses to which players want delivery."""
    traded = {good for player in players for good in player.goods}
    return frozenset(goods.place(good) for good in traded if goods.family(good) == "delivery")
