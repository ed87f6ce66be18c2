"""Titles are inert, the policy is strict, the page is light."""

import gzip
import re

import httpx
import pytest
from playwright.sync_api import expect

from fairshot.web.page import MEDIA_TYPES, read_site

from .site import Site
from .world import HOSTILE

LIGHT = 60_000
"""Bytes that the whole page may weigh on the wire."""


@pytest.mark.browser
def test_a_hostile_title_is_text(site: Site) -> None:
    site.open("safety-1")
    for _ in range(5):
        if site.card("film-0").count():
            break
        site.next_slate()
    expect(site.card("film-0").locator("h3")).to_have_text(HOSTILE)
    expect(site.page.locator("#trends")).to_contain_text(HOSTILE)
    assert "owned" not in site.page.title()
    assert site.page.locator("main img, main script, aside img, #trends img").count() == 0


@pytest.mark.browser
def test_the_browser_itself_refuses_markup_and_inline_scripts(site: Site) -> None:
    site.open()
    attempts = (
        "document.body.innerHTML = '<p>'",
        "document.querySelector('h1').setAttribute('onclick', 'x()')",
        "document.createElement('script').text = 'x()'",
        "document.body.insertAdjacentHTML('beforeend', '<p>')",
    )
    for attempt in attempts:
        assert site.evaluate(f"() => {{ try {{ {attempt}; return false }} catch {{ return true }} }}"), attempt
    site.complaints.clear()


@pytest.mark.browser
def test_few_requests_and_none_elsewhere(site: Site) -> None:
    site.open("safety-2")
    site.page.wait_for_load_state("networkidle")
    assert len(site.requests) <= 28
    assert all(url.startswith(site.address) for url in site.requests)
    site.requests.clear()
    site.next_slate()
    site.page.wait_for_load_state("networkidle")
    assert len(site.requests) <= 8


def test_weight() -> None:
    files = read_site().files
    assert sum(len(file.packed) for file in files.values()) < LIGHT / 2
    assert all(gzip.decompress(file.packed) == file.plain for file in files.values())


def test_headers(api: httpx.Client) -> None:
    page = api.get("/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["content-encoding"] == "gzip"
    assert "style=" not in page.text
    assert re.search(r"<script(?![^>]* src=)", page.text) is None
    again = api.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_files_are_kept_for_good_under_their_version_only(api: httpx.Client) -> None:
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', api.get("/").text)
    assert len(named) > 5
    for path in named:
        answer = api.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith(MEDIA_TYPES["." + path.rpartition(".")[2]])
    assert api.get("/static/old/app.js").headers["cache-control"] == "no-cache"
    for path in ("/static/x/none.js", "/static/x/..%2Fpage.py", "/static/x/index.html", "/static/x/%2e%2e/page.py"):
        assert api.get(path).status_code == 404, path


def test_every_file_is_loaded_with_the_page_at_once() -> None:
    files = read_site().files
    page = files["index.html"].plain.decode()
    assert [name for name in files if name != "index.html" and f"/{name}" not in page] == []
