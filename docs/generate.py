"""Pages made when the site is built: notebooks with their results, the catalogue, the API reference."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib.pyplot as plt
import mkdocs_gen_files
from latex2mathml.converter import convert

from experiments.catalogue import load, slugs
from experiments.site.pages import mathematics, shown

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGES = ("bestresponse", "players", "networks")


def mathml(tex: str, display: str) -> str:
    """Return TeX as MathML, which browsers draw without any script."""
    return convert(tex, display=display)


def page(source: Path) -> None:
    """Write a page with the code, docstrings, tables and formulas that it asks for, if it asks for any."""
    written = source.read_text(encoding="utf-8")
    if (text := shown(written, DOCS, mathml)) != written:
        write(source.name, [text.rstrip()])


def notebook(source: Path) -> None:
    """Write a notebook as a page: its text, its code, and what the code prints and draws now."""
    plt.switch_backend("agg")
    page, names = [], {"__name__": "notebook"}

    def show() -> None:
        for number in plt.get_fignums():
            name = f"{source.stem}_{len(page)}_{number}.svg"
            with mkdocs_gen_files.open(f"notebooks/{name}", "wb") as file:
                plt.figure(number).savefig(file, format="svg", bbox_inches="tight")
            titles = [axes.get_title() for axes in plt.figure(number).axes]
            page.append(f"![Figure: {'; '.join(titles)}]({name})")
        plt.close("all")

    plt.show = show
    for cell in re.split(r"^# %%", source.read_text(encoding="utf-8"), flags=re.M)[1:]:
        kind, _, body = cell.partition("\n")
        if kind.strip() == "[markdown]":
            page.append(mathematics(re.sub(r"^# ?", "", body, flags=re.M).strip(), mathml))
            continue
        page.append(f"```python\n{body.strip()}\n```")
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(body, source.name, "exec"), names)
        if printed.getvalue():
            page.append(f"```text\n{printed.getvalue().rstrip()}\n```")
    write(f"notebooks/{source.stem}.md", page)


def catalogue() -> None:
    """Write the page of all published problems."""
    page = ["# Catalogue of published problems", "`bestresponse games solve SLUG` solves each of them."]
    for entry in map(load, slugs()):
        page += [f"## {entry.slug}", entry.title + ".", f"Source: {entry.citation.reference}."]
        page += [entry.citation.note] if entry.citation.note else []
        page.append("\n".join(f"- {answer.meaning}" for answer in entry.answers))
    write("catalogue.md", page)


def reference(package: str) -> None:
    """Write the page of a package, module by module."""
    modules = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.parts) for path in modules if path.name != "__init__"]
    write(f"reference/{package}.md", [f"# {package}", *(f"::: {name}" for name in names)])


def write(name: str, parts: list[str]) -> None:
    """Write a page of the site."""
    with mkdocs_gen_files.open(name, "w") as file:
        file.write("\n\n".join(parts) + "\n")


for source in sorted(DOCS.glob("*.md")):
    page(source)
for source in sorted((DOCS / "notebooks").glob("[0-9]*.py")):
    notebook(source)
catalogue()
for package in PACKAGES:
    reference(package)
