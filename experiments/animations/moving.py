"""A figure that grows step by step, and the files it goes into: SVG and PNG stand still, GIF and HTML move."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import jinja2
from matplotlib.animation import PillowWriter
from matplotlib.figure import Figure

from bestresponse.errors import DataError
from bestresponse.files import replacing
from experiments.figures_style import style, write_as

STILL, MOVES = ("svg", "png"), ("gif", "html")
FRAMES_PER_SECOND, REST_FRAMES = 5, 10  # the last frame stays for as long as so many
DOTS_PER_INCH = 80  # of frames; a still has more
MOST_FRAMES = 50


@dataclass(frozen=True)
class Moving:
    """A figure and how it looks at every step from 0 to `last`."""

    figure: Figure
    last: int
    draw: Callable[[int], None]
    description: str  # for those who do not see it


def kind_of(path: Path) -> str:
    """Return the kind of file that a path names. Raises DataError for a suffix that is none of them."""
    kind = path.suffix.removeprefix(".").lower()
    if kind not in STILL + MOVES:
        allowed = ", ".join(f".{each}" for each in STILL + MOVES)
        raise DataError(
            f"{path}: given suffix {path.suffix or 'none'!r}, allowed: {allowed} (the first two stand still)"
        )
    return kind


def save(moving: Moving, path: Path) -> None:
    """Write a figure into the kind of file that the path names; it appears complete or not at all."""
    kind = kind_of(path)
    with style():
        if kind in STILL:
            moving.draw(moving.last)
            write_as(moving.figure, path, kind)
        elif kind == "gif":
            _write_gif(moving, path)
        else:
            _write_page(moving, path)


def steps(last: int) -> list[int]:
    """Return the steps that are shown: all, or where there are many, evenly spread ones with the last."""
    count = min(last + 1, MOST_FRAMES)
    return sorted({round(k * last / max(1, count - 1)) for k in range(count)})


def _write_gif(moving: Moving, path: Path) -> None:
    frames = steps(moving.last)
    writer = PillowWriter(fps=FRAMES_PER_SECOND)
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.gif"
        with writer.saving(moving.figure, str(whole), DOTS_PER_INCH):
            for step in [*frames, *[frames[-1]] * REST_FRAMES]:
                moving.draw(step)
                writer.grab_frame()
        with replacing(path, binary=True) as file:
            file.write(whole.read_bytes())


def _write_page(moving: Moving, path: Path) -> None:
    template = (Path(__file__).parent / "player.html").read_text(encoding="utf-8")
    page = jinja2.Environment(autoescape=True).from_string(template)
    with replacing(path) as file:
        file.write(page.render(frames=list(_pictures(moving)), alt=moving.description, delay=1000 // FRAMES_PER_SECOND))


def _pictures(moving: Moving) -> Iterator[str]:
    """Every frame as a PNG that a page can hold."""
    for step in steps(moving.last):
        moving.draw(step)
        picture = io.BytesIO()
        moving.figure.savefig(picture, format="png", dpi=DOTS_PER_INCH)
        yield "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
