"""Every number on a page has a source that holds it: of this repository, and of one with planted mistakes."""

import pytest

from experiments.site.excerpts import ROOT
from experiments.site.numbers import Register, listed
from experiments.site.text import same, typed_in_notebook, typed_on_page

PAGE = """# Page

It takes 12 sweeps (Smith 2011), see notebook 4 and (9b).

<!-- speed:begin -->
| run | 17 |
<!-- speed:end -->

## Speed

The table says 17, `code 99` says nothing. Memory is 30.

    bestresponse solve --max-sweeps 500
"""


def problems(root, pages, blocks=None):
    found = listed(root, Register.of(blocks or {"speed": "python -m experiments.benchmarks"}, **pages))
    return {line.number: line.problem for line in found if line.problem}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "README.md").write_text("Nothing.\n", encoding="utf-8")
    (tmp_path / "docs" / "notebooks").mkdir(parents=True)
    (tmp_path / "docs" / "page.md").write_text(PAGE, encoding="utf-8")
    return tmp_path


GOOD = {
    "page.md": {
        "Page": {"12": "citation"},
        "Speed": {"17": "tables", "*": "bestresponse.acceleration.Anderson"},
    }
}


def test_every_number_of_this_repository_has_a_source():
    assert [str(line) for line in listed(ROOT, Register.read()) if line.problem] == []


def test_a_page_with_sources_is_good(root):
    assert problems(root, GOOD) == {}


@pytest.mark.parametrize(
    ("section", "sources", "told"),
    [
        ("Speed", {"17": "tables"}, {"30": "no source in docs/numbers.toml (section 'Speed')"}),
        ("Speed", {"*": "tables"}, {"30": "its source does not hold this number"}),
        (
            "Speed",
            GOOD["page.md"]["Speed"] | {"31": "tables"},
            {"31": "no number of section 'Speed' needs this entry"},
        ),
        (
            "Page",
            {"12": "bestresponse.acceleration.Andersen"},
            {"12": "bestresponse.acceleration.Andersen: there is no 'Andersen'; did you mean \"Anderson\"?"},
        ),
        ("Page", {"12": "tests/nowhere.py"}, {"12": "there is no file tests/nowhere.py"}),
    ],
)
def test_a_planted_mistake_is_found(root, section, sources, told):
    assert problems(root, {"page.md": GOOD["page.md"] | {section: sources}}) == told


def test_a_block_without_a_command_that_exists_is_found(root):
    assert set(problems(root, GOOD, {"speed": "python -m experiments.benchmark"})) == {"block speed"}


def test_the_text_of_a_notebook_says_what_its_code_says(root):
    cells = "# %% [markdown]\n# It took 21 sweeps of 40.\n\n# %%\nassert sweeps == 21\n"
    (root / "docs" / "notebooks" / "01_a.py").write_text(cells, encoding="utf-8")
    assert problems(root, GOOD) == {"40": "its source does not hold this number"}
    assert [(number.text, number.line) for number in typed_in_notebook("n", cells)] == [("21", 2), ("40", 2)]


def test_what_is_a_number_and_what_a_name():
    text = (
        "Up to 1,498 paths and 1e-6, −3 and 0.5 %; ieee123, V2G, F13, Sun et al. (2020), Figures 5–10, May 2027: 7.\n"
    )
    assert [number.text for number in typed_on_page("p", text)] == ["1,498", "1e-6", "3", "0.5", "7"]


@pytest.mark.parametrize(
    ("typed", "other", "equal"),
    [
        ("1,498", "1498", True),
        ("1e-6", "0.000001", True),
        ("65", "65.3", True),
        ("0.5", "0.54", True),
        ("66", "65.3", False),
        ("5", "5.3", False),
        ("65.3", "65", False),
        ("1e-6", "1e-7", False),
    ],
)
def test_a_rounded_number_is_the_same_and_another_is_not(typed, other, equal):
    assert same(typed, other) is equal
