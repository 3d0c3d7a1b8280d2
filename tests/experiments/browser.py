"""Chromium without a window, for pages that must look right."""

from __future__ import annotations

import html
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
).split()

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


def in_a_frame(page: Path, width: int, script: str, folder: Path) -> str:
    """The value of a script, a function of the page's document, with the page in a frame of this width [px]."""
    outer = folder / "frame.html"
    outer.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><iframe id="f" width="{width}" height="900" style="border:0" '
        f'srcdoc="{html.escape(page.read_text(encoding="utf-8"))}"></iframe>'
        f"<script>onload = () => {{ document.title = ({script})(window.frames[0].document) }}</script>",
        encoding="utf-8",
    )
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", outer.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    return html.unescape(shown.split("<title>")[1].split("</title>")[0])
