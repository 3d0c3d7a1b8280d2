"""Models of the distribution system operator."""

from __future__ import annotations

from experiments.models.setting import Setting
from players.branch_flow_operator import BranchFlowOperator
from players.copper_plate import CopperPlate
from players.distribution_operator import DistributionOperator
from players.grid_terms import ImportContract, VoltageLimits
from players.three_phase_operator import ThreePhaseOperator


def linear(setting: Setting) -> DistributionOperator:
    """Return the operator of LinDistFlow as a linear program."""
    return DistributionOperator(
        setting.feeder, setting.delivery_buses, contract(setting), voltage(setting), setting.reactive_support_kvar
    )


def socp(setting: Setting) -> BranchFlowOperator:
    """Return the operator with losses, a second-order cone program."""
    return BranchFlowOperator(
        setting.feeder, setting.delivery_buses, contract(setting), voltage(setting), setting.reactive_support_kvar
    )


def three_phase(setting: Setting, *, taps: bool = False) -> ThreePhaseOperator:
    """Return the operator of LinDistFlow by phase, a linear program; with `taps` regulators stand at their ratios."""
    return ThreePhaseOperator(
        setting.feeder,
        setting.delivery_buses,
        contract(setting),
        voltage(setting),
        setting.reactive_support_kvar,
        taps=taps,
    )


def copperplate(setting: Setting, *, reach_kw: float | None = None) -> CopperPlate:
    """Return the operator without a network; its reach is the supply of the whole case unless given.

    Players beside the roles may supply more, but no more than is used.
    """
    case = setting.case
    if reach_kw is None:
        generators = sum(unit.p_max_kw for entity in case.lse for unit in entity.generators)
        used = float(setting.largest_use_kw.sum()) if case.players.extra else 0.0
        reach_kw = case.tso.p_max_kw + generators + sum(setting.station_capacity_kw.values()) + used
    return CopperPlate(setting.feeder, setting.delivery_buses, contract(setting), reach_kw)


def contract(setting: Setting) -> ImportContract:
    """Return what the transmission system supplies."""
    tso = setting.case.tso
    return ImportContract(tso.price_usd_per_kwh, tso.p_max_kw, tso.q_min_kvar, tso.q_max_kvar)


def voltage(setting: Setting) -> VoltageLimits:
    """Return the limits of voltages."""
    keys = setting.case.feeder
    return VoltageLimits(keys.source_voltage_pu, keys.voltage_min_pu, keys.voltage_max_pu)
