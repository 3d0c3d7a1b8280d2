"""The page of the lab in a browser: it loads without a network, steps, refuses, and keeps tabs apart."""

import re
import subprocess
import sys

import pytest

from bestresponse.trace_file import load_trace
from experiments.case import content, load_case
from tests.experiments.browser import CHROMIUM, FLAGS, needs_browser
from tests.experiments.command_line import RUN

pytest.importorskip("panel", reason="the extra [lab] is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = needs_browser

PATIENCE = 60_000  # [ms]


@pytest.fixture(scope="module")
def address():
    """Where a lab is served."""
    command = [sys.executable, "-c", RUN, "lab", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        yield re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())[0]
        server.terminate()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(params=[{}], ids=["desk"])
def open_tab(browser, address, request):
    """A function that opens the lab in another tab of the same browser, by default that of a desk."""
    context = browser.new_context(**request.param)
    context.set_default_timeout(PATIENCE)

    def opened():
        tab = context.new_page()
        tab.goto(address)
        press(tab, "Step", trial=True)
        return tab

    yield opened
    context.close()


def press(tab, name, **how):
    tab.get_by_role("button", name=name, exact=True).click(**how)


def status(tab):
    return tab.locator(".status").evaluate("box => (box.shadowRoot || box).textContent")


def reaches(tab, text):
    tab.get_by_text(text).first.wait_for()


def test_it_loads_steps_and_runs_without_a_network(open_tab, tmp_path, address):
    tab = open_tab()
    hosts = set()
    tab.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    tab.reload()
    tab.get_by_label("Newton's method").select_option("no")
    press(tab, "Step")
    reaches(tab, "sharing, anderson 30. Sweep 1.")
    tab.wait_for_timeout(500)
    assert "Sweep 1." in status(tab)
    press(tab, "Step")
    reaches(tab, "Sweep 2.")
    press(tab, "Run")
    reaches(tab, "It took 21 sweeps.")
    assert tab.locator("canvas").count() >= 5  # two maps and three charts
    with tab.expect_download() as trace:
        tab.get_by_text("Trace as CSV").click()
    trace.value.save_as(tmp_path / "trace.csv")
    assert len(load_trace(tmp_path / "trace.csv")) == 21
    with tab.expect_download() as case:
        tab.get_by_text("Case as TOML").click()
    case.value.save_as(tmp_path / "case.toml")
    assert content(load_case(tmp_path / "case.toml")) == content(load_case("teaching"))
    assert hosts == {address.removeprefix("http://")}


def test_a_bad_sigma_is_told_and_a_good_one_then_runs(open_tab):
    tab = open_tab()
    sigma = tab.get_by_label("σ")
    sigma.fill("-1")
    press(tab, "Step")
    reaches(tab, "given sigma=-1, allowed: numbers > 0")
    sigma.fill("2")
    press(tab, "Step")
    reaches(tab, "sigma 2. Sweep 1.")
    assert tab.get_by_text("given sigma=-1").count() == 0


def test_tabs_do_not_disturb_each_other(open_tab):
    first, second = open_tab(), open_tab()
    press(first, "Step")
    reaches(first, "Sweep 1.")
    assert "Ready." in status(second)
    second.get_by_label("σ").fill("3")
    press(second, "Step")
    reaches(second, "sigma 3. Sweep 1.")
    press(second, "Step")
    reaches(second, "Sweep 2.")
    assert "sharing. Sweep 1." in status(first)
    second.get_by_label("σ").fill("0")
    press(second, "Step")
    reaches(second, "given sigma=0")
    press(first, "Step")
    reaches(first, "sharing. Sweep 2.")
    assert first.get_by_text("given sigma=0").count() == 0


def test_two_runs_are_compared_side_by_side(open_tab):
    tab = open_tab()
    tab.get_by_role("checkbox").first.check()
    reaches(tab, "Run B")
    tab.get_by_label("σ").nth(1).fill("10")
    press(tab, "Step both")
    reaches(tab, "sharing. Sweep 1.")
    reaches(tab, "sigma 10. Sweep 1.")


PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}


@pytest.mark.parametrize("open_tab", [PHONE], ids=["phone"], indirect=True)
def test_on_a_phone_a_run_is_paused_goes_on_and_begins_again(open_tab):
    tab = open_tab()
    tab.locator(".noUi-handle").press("End")  # a second between two sweeps
    press(tab, "Run")
    reaches(tab, "Running.")
    press(tab, "Pause")
    reaches(tab, "Paused.")
    tab.wait_for_timeout(300)  # for the sweep that had begun
    paused = status(tab)
    tab.wait_for_timeout(1500)
    assert "Paused." in status(tab) and status(tab) == paused and re.search(r"Sweep \d\.", paused)
    assert tab.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [390, 390]
    tab.locator(".noUi-handle").press("Home")
    press(tab, "Run")
    reaches(tab, re.compile(r"It took \d+ sweeps\."))
    press(tab, "Restart")
    reaches(tab, "Sweep 0.")
    assert "It took" not in status(tab)
    press(tab, "Step")
    reaches(tab, "Sweep 1.")
