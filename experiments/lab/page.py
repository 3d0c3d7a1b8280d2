"""The page of the lab: one bench or two beside each other, each with choices, buttons and what its run shows."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import panel as pn
from panel.io.server import Server

from bestresponse.errors import BestResponseError, DataError
from bestresponse.schemes.registry import SCHEMES
from experiments.case import builtin_cases, load_case
from experiments.lab.choice import Choice, Experiment
from experiments.lab.curves import Curves
from experiments.lab.maps import FeederTree, RoadMap
from experiments.lab.stepping import SteppedRun

REFRESH = 150  # [ms]
WIDTH = 130  # [px] of a field
NEWTON = {"default": "", "yes": "1", "no": "0"}  # what a reader picks, as a setting
FIGURE, BENCH = 400, 600  # [px] width below which what is beside others goes below them
SHELL = """{% extends base %}
{% block postamble %}<meta name="viewport" content="width=device-width, initial-scale=1">{% endblock %}
"""  # without it a phone shows a page as wide as a desk's
INTRODUCTION = (
    "# bestresponse lab\nEvery player answers prices; a scheme moves the prices until the markets clear. "
    "**Step** makes one sweep, **Run** goes on until the run ends, **Pause** holds it. "
    "An empty field is left to the case or to the scheme; a change begins a new run. "
    "Relaxation and Anderson memory are settings of runs without Newton's method."
)


class Form:
    """The fields in which a reader chooses a run."""

    def __init__(self, choice: Choice) -> None:
        names = [case["name"] for case in builtin_cases()]
        text = pn.widgets.TextInput
        self.case = pn.widgets.AutocompleteInput(
            name="Case (or TOML file)", value=choice.case, options=names, restrict=False, min_characters=0, width=200
        )
        self.scenario = pn.widgets.Select(name="Scenario", options=[choice.scenario], width=WIDTH)
        self.scheme = pn.widgets.Select(name="Scheme", options=[*SCHEMES], value=choice.scheme, width=WIDTH)
        self.sigma = text(name="σ (penalty)", value=choice.sigma, width=WIDTH)
        self.newton = pn.widgets.Select(name="Newton's method", options=NEWTON, value=choice.newton, width=WIDTH)
        self.relaxation = text(name="Relaxation", value=choice.relaxation, width=WIDTH, placeholder="0 to 2")
        self.anderson = text(name="Anderson memory", value=choice.anderson, width=WIDTH, placeholder="0: none")
        self.v2g = pn.widgets.Checkbox(name="V2G", value=choice.v2g, width=60, align="end")
        self.v2g_share = text(name="V2G share", value=choice.v2g_share, width=WIDTH)
        self.load_factor = text(name="Load factor", value=choice.load_factor, width=WIDTH)
        self.fields = {name: getattr(self, name) for name in vars(choice)}

    @property
    def choice(self) -> Choice:
        """What is chosen now."""
        return Choice(**{name: field.value for name, field in self.fields.items()})

    def follow_case(self) -> None:
        """Offer the scenarios of the case, and say what it states. Raises DataError if it does not exist."""
        case = load_case(self.case.value)
        self.scenario.options = [*case.scenarios]
        if self.scenario.value not in case.scenarios:
            self.scenario.value = next(iter(case.scenarios))
        self.v2g_share.placeholder = f"{case.vehicles.v2g_share:g} in the case"
        self.load_factor.placeholder = f"{case.scenario(self.scenario.value).load_factor:g} in the case"


class Bench:
    """One run: its form, its buttons, and what there is to see."""

    def __init__(self, title: str, choice: Choice) -> None:
        self.form = Form(choice)
        self.run: SteppedRun | None = None
        self._drawings: tuple[Curves, RoadMap, FeederTree] | None = None  # of this run
        self._shown = 0  # sweeps
        self._pause = pn.widgets.IntSlider(name="Pause between sweeps [ms]", value=20, end=1000, step=20, width=220)
        self._status = pn.pane.HTML("Ready.", css_classes=["status"], sizing_mode="stretch_width")
        self._problem = pn.pane.Alert("", alert_type="danger", visible=False, sizing_mode="stretch_width")
        self._pictures = beside(FIGURE)
        self.view = pn.Column(
            f"## {title}",
            pn.FlexBox(*self.form.fields.values()),
            pn.FlexBox(*self._buttons(), self._pause),
            self._problem,
            self._status,
            self._pictures,
            sizing_mode="stretch_width",
        )
        self._pause.param.watch(self._follow_pause, "value")
        for field in (self.form.case, self.form.scenario):
            field.param.watch(self._follow_case, "value")
        self._follow_case()

    def _buttons(self) -> list[Any]:
        actions = {"Run": self.go, "Step": self.step, "Pause": self.hold, "Restart": self.restart}
        return [
            *(button(name, action) for name, action in actions.items()),
            pn.widgets.FileDownload(
                callback=self._case_file, filename="case.toml", label="Case as TOML", width=130, align="end"
            ),
            pn.widgets.FileDownload(
                callback=self._trace_file, filename="trace.csv", label="Trace as CSV", width=130, align="end"
            ),
        ]

    def go(self) -> None:
        """Let the run go on to its end, or begin another if it has ended."""
        if self.run is not None and self.run.ended:
            self.close()
        self._current().gate.let(pause=self._pause.value / 1000)

    def _follow_pause(self, *_: object) -> None:
        if self.run is not None and not self.run.gate.holds:
            self.run.gate.let(pause=self._pause.value / 1000)

    def step(self) -> None:
        """Let one sweep through."""
        self._current().gate.let(1)

    def hold(self) -> None:
        """Hold the run after the sweep it is in."""
        if self.run is not None:
            self.run.gate.hold()

    def restart(self) -> None:
        """Go back to before the first sweep."""
        self.close()
        self._current()

    def close(self) -> None:
        """End the run."""
        if self.run is not None:
            self.run.close()
        self.run, self._drawings, self._shown = None, None, 0

    def _current(self) -> SteppedRun:
        """The run of what is chosen now: the one there is, or a new one."""
        choice = self.form.choice
        if self.run is None or self.run.choice != choice or self.run.problem:
            self.close()
            self._tell("")
            self.run = SteppedRun(choice)
        return self.run

    def refresh(self) -> None:
        """Show what has happened since the last time."""
        run = self.run
        if run is None:
            return
        if run.problem:
            self._tell(run.problem)
        if run.experiment is not None and len(run.moments) > self._shown:
            self._show(run, run.experiment)
        self._status.object = html.escape(_status(run))

    def _show(self, run: SteppedRun, experiment: Experiment) -> None:
        moments = run.moments[:]
        new = self._drawings is None
        if self._drawings is None:
            model = experiment.model
            self._drawings = Curves(model.market.goods), RoadMap(model), FeederTree(model)
        curves, road, feeder = self._drawings
        curves.show(moments)
        road.show(moments[-1])
        feeder.show(moments[-1])
        self._shown = len(moments)
        if new:
            figures = (road.figure, feeder.figure, *curves.figures)
            self._pictures.objects = [pn.pane.Bokeh(each, sizing_mode="stretch_width") for each in figures]

    def _follow_case(self, *_: object) -> None:
        try:
            self.form.follow_case()
        except BestResponseError as error:
            self._tell(str(error))
        else:
            self._tell("")

    def _tell(self, problem: str) -> None:
        self._problem.object = "<br>".join(html.escape(line) for line in problem.splitlines())
        self._problem.visible = bool(problem)

    def _case_file(self) -> io.StringIO:
        try:
            return io.StringIO(self.form.choice.toml())
        except BestResponseError as error:
            self._tell(str(error))
            raise

    def _trace_file(self) -> io.StringIO:
        if self.run is None or not self.run.moments:
            self._tell("There is no trace yet: press Step or Run first.")
            raise DataError("no sweep has been made")
        return io.StringIO(self.run.trace_csv())


class Lab:
    """What one tab of the browser holds."""

    def __init__(self) -> None:
        self.benches = [Bench("Run A", Choice())]
        self._compare = pn.widgets.Checkbox(name="Compare with a second run")
        self._compare.param.watch(self._set_second, "value")
        together = {"Run both": Bench.go, "Step both": Bench.step, "Pause both": Bench.hold}
        self._both = pn.Row(*(button(name, self._each(action)) for name, action in together.items()), visible=False)
        self._beside = beside(BENCH)
        self._lay_out()
        self.view = pn.Column(INTRODUCTION, self._compare, self._both, self._beside, sizing_mode="stretch_width")

    def refresh(self) -> None:
        """Show what has happened since the last time."""
        for bench in self.benches:
            bench.refresh()

    def close(self) -> None:
        """End all runs."""
        for bench in self.benches:
            bench.close()

    def _each(self, action: Callable[[Bench], None]) -> Callable[[], None]:
        def on_each() -> None:
            for bench in self.benches:
                action(bench)

        return on_each

    def _set_second(self, *_: object) -> None:
        if self._compare.value:
            self.benches.append(Bench("Run B", replace(self.benches[0].form.choice)))
        else:
            self.benches.pop().close()
        self._both.visible = self._compare.value
        self._lay_out()

    def _lay_out(self) -> None:
        self._beside.objects = [bench.view for bench in self.benches]


def beside(width: int) -> Any:
    """Return a box that puts as many things beside each other as have this width [px]."""
    columns = f"repeat(auto-fit, minmax(min(100%, {width}px), 1fr))"
    css = f"[id^=flexbox] {{display: grid !important; grid-template-columns: {columns}; gap: 8px}}"
    return pn.FlexBox(sizing_mode="stretch_width", stylesheets=[css])


def button(name: str, action: Callable[[], None]) -> Any:
    """Return a button that does something when it is clicked."""
    kind = "primary" if name.startswith("Run") else "default"
    return pn.widgets.Button(name=name, button_type=kind, width=90, align="end", on_click=lambda _: action())


def page() -> Any:
    """Return a page with a lab of its own, for one tab of the browser."""
    lab = Lab()
    pn.state.add_periodic_callback(lab.refresh, period=REFRESH)
    pn.state.on_session_destroyed(lambda _: lab.close())
    shell = pn.Template(SHELL)
    shell.add_panel("lab", lab.view)
    return shell


def listening(port: int, show: bool) -> Server:
    """Return a server of the page that listens on this machine alone and answers once it is started.

    With `show` a browser opens the page then. Raises OSError if the port is taken.
    """
    pn.extension(inline=True, notifications=False)
    hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
    return pn.serve(
        {"/": page},
        port=port,
        address="127.0.0.1",
        websocket_origin=hosts,
        show=show,
        start=False,
        title="bestresponse lab",
        verbose=False,
    )


def _status(run: SteppedRun) -> str:
    if run.experiment is None:
        return "Not begun." if run.problem else "Building the market …"
    state = "Stopped." if run.problem else "Paused." if run.gate.holds else "Running."
    if run.found is not None:
        state = str(run.found.stop)
    if not run.moments:
        return f"{run.experiment.headline}. Sweep 0. {state}"
    now = run.moments[-1].record
    return (
        f"{run.experiment.headline}. Sweep {now.sweep}. Imbalance {now.imbalance:.1e} ({now.imbalance_good}), "
        f"price gap {now.disagreement:.1e}, {now.seconds:.2f} s. {state}"
    )
