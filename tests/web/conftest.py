"""A made-up platform behind a real service, and a real browser before it."""

import os
import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from fairshot.service.process import start_service

from .site import Site
from .world import build

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Where Chromium is: FAIRSHOT_CHROMIUM, or where Debian puts it, or in PATH."""
    named = os.environ.get("FAIRSHOT_CHROMIUM")
    return shutil.which(named or "/usr/bin/chromium") or (None if named else shutil.which("chromium"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; without one the test is skipped, or fails where FAIRSHOT_REQUIRE_BROWSER=1.

    One for each module: Playwright keeps an event loop running, which other modules' tests must not meet.
    """
    path = chromium()
    if path is None:
        if os.environ.get("FAIRSHOT_REQUIRE_BROWSER") == "1":
            pytest.fail("FAIRSHOT_REQUIRE_BROWSER=1, but there is no Chromium; name one in FAIRSHOT_CHROMIUM")
        pytest.skip("no Chromium was found: install it, or name one in FAIRSHOT_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service over the made-up platform; it trains once, so slates are the same on every run."""
    folder = tmp_path_factory.mktemp("platform")
    (folder / "fairshot.toml").write_text(
        "[worker]\ntrain_events = 1000000000\n[blenders.random_slot]\nshare = 0.0\n", encoding="utf-8"
    )
    build(folder)
    with start_service(folder, log=folder / "service.log") as service:
        yield service.address


@pytest.fixture
def api(address: str) -> Iterator[httpx.Client]:
    """The service without the page."""
    with httpx.Client(base_url=address) as client:
        yield client


@pytest.fixture
def site(browser: Browser, address: str) -> Iterator[Site]:
    """The page in a window of its own; the test fails where the page complained in the console."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page: Page = context.new_page()
    site = Site(page, address)
    yield site
    context.close()
    assert site.complaints == []
