"""Pages as a browser shows them: headless Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NEEDED = "SHIFTASSAY_NEEDS_CHROMIUM"  # set where a browser has to be there, as in CI


@contextmanager
def browsing(path: Path, width: int = 1280, scheme: Literal["light", "dark"] = "light") -> Iterator[Page]:
    """The page in a window so many pixels wide."""
    with launched() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.goto(path.resolve().as_uri())
        yield page


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser; a test is skipped without Chromium, and fails where that is needed."""
    chromium = shutil.which("chromium")
    if chromium is None:
        assert os.environ.get(NEEDED) != "1", f"{NEEDED} is set, and there is no chromium"
        pytest.skip("needs chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
