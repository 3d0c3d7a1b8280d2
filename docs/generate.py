"""What is made when the site is built: notebooks with results, code beside text, figures, catalogue, API reference."""

import html
import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import mkdocs_gen_files
from latex2mathml.converter import convert

from experiments.animate_cli import drawn
from experiments.animations.moving import save
from experiments.site.catalogue_pages import family_pages, index
from experiments.site.pages import mathematics, shown

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGES = ("bestresponse", "players", "networks", "experiments")
PRIVATE = re.compile(r"_cli$|screen$|^experiments\.(benchmarks|cli|clock|exits|interrupts|lab|site)\b")
ANIMATION = re.compile(r"^<!-- animation (.+) -->$", re.M)


def mathml(tex: str, display: str) -> str:
    """Return TeX as MathML, which browsers draw without any script."""
    return convert(tex, display=display)


def page(source: Path) -> None:
    """Write a page with the code, docstrings, tables and formulas that it asks for, if it asks for any."""
    written = source.read_text(encoding="utf-8")
    if (text := ANIMATION.sub(animation, shown(written, DOCS, mathml))) != written:
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
    """Write the pages of all published problems, solved now."""
    write("catalogue/index.md", [index().rstrip()])
    for family, text in family_pages():
        write(f"catalogue/{family}.md", [text.rstrip()])


def animation(found: re.Match[str]) -> str:
    """Write a figure as a still, moving, and with a slider; return what shows it on its page."""
    what, *words = found[1].split()
    options = dict(zip(words[::2], words[1::2], strict=True))
    moving = drawn(what, **options)
    with TemporaryDirectory() as folder:
        for kind in ("svg", "gif", "html"):
            save(moving, file := Path(folder) / f"{what}.{kind}")
            with mkdocs_gen_files.open(f"slides/{file.name}", "wb") as copy:
                copy.write(file.read_bytes())
    command = " ".join([f"bestresponse animate {what}", *(f"--{name} {value}" for name, value in options.items())])
    alt = html.escape(moving.description)
    return (
        f"    {command} --out {what}.gif\n\n"
        f'<picture><source srcset="slides/{what}.svg" media="(prefers-reduced-motion: reduce)">'
        f'<img src="slides/{what}.gif" alt="{alt}"></picture>\n\n'
        f"[With a slider](slides/{what}.html), [for a slide](slides/{what}.svg). {moving.description}"
    )


def reference(package: str) -> None:
    """Write the page of a package, module by module; what only the command line and this site use is left out."""
    modules = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.parts) for path in modules if path.name != "__init__"]
    public = [name for name in names if not PRIVATE.search(name)]
    write(f"reference/{package}.md", [f"# {package}", *(f"::: {name}" for name in public)])


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
