"""For everybody: keyboard alone, names for all controls, headings in order, contrast, calm."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from .site import Site

pytestmark = pytest.mark.browser

# Names of all controls and pictures, as assistive technology computes them in the main cases.
NAMELESS = """() => [...document.querySelectorAll('button, input, summary, a, dialog, [role=img], [role=listbox]')]
  .filter(e => {
    const ids = (e.getAttribute('aria-labelledby') ?? '').split(' ');
    const named = ids.map(id => document.getElementById(id)?.textContent ?? '').join('');
    const label = e.labels ? [...e.labels].map(l => l.textContent).join('') : '';
    const text = e.matches('button, summary, a') ? e.textContent : '';
    return !(e.getAttribute('aria-label') || named || label || text).trim();
  }).map(e => e.outerHTML.slice(0, 120))"""

HEADINGS = "() => [...document.querySelectorAll('body > :not(dialog) :is(h1, h2, h3)')].map(h => Number(h.tagName[1]))"

# Contrast of the text of every visible element against the nearest background that is painted.
FAINT = """() => {
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
    }
    return channels(getComputedStyle(document.body).backgroundColor);
  };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const style = getComputedStyle(e);
    const apart = e.closest('.hidden, :disabled, [aria-busy=true]');
    if (!own || apart || !e.checkVisibility({opacityProperty: true})) continue;
    const [a, b] = [light(channels(style.color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push([e.tagName, e.className, e.textContent.slice(0, 30), ratio.toFixed(2)].join(' '));
  }
  return faint;
}"""


def _settle(site: Site) -> None:
    expect(site.page.locator("#slate")).not_to_have_attribute("aria-busy", "true")


def test_everything_has_a_name_and_headings_are_in_order(site: Site) -> None:
    site.open("access-1")
    site.next_slate()
    site.page.get_by_role("button", name="How it was made").click()
    assert site.evaluate(NAMELESS) == []
    assert site.evaluate("() => [...document.images].filter(i => !i.hasAttribute('alt')).length") == 0
    levels = site.evaluate(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:], strict=False))
    ids = site.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert site.evaluate("document.documentElement.lang") == "en"
    landmarks = site.evaluate(
        "() => ['header', 'main', 'footer'].map(n => document.querySelectorAll('body ' + n).length)"
    )
    assert landmarks == [1, 1, 1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(site: Site, scheme: Any) -> None:
    site.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    site.open("access-2")
    site.press(site.items()[0], "Like")
    site.next_slate()
    site.press(site.items()[0], "Like")
    expect(site.card(site.items()[0]).get_by_role("button", name="Liked")).to_be_visible()
    site.cards.nth(1).locator("summary").click()
    site.page.mouse.move(0, 0)
    assert site.evaluate(FAINT) == []
    site.page.get_by_role("button", name="How it was made").click()
    assert site.evaluate(FAINT) == []


def test_the_whole_job_with_the_keyboard_alone(site: Site) -> None:
    keys = site.page.keyboard
    site.open()
    expect(site.page.locator(".quick button").first).to_be_visible()
    keys.press("Tab")
    expect(site.page.get_by_role("link", name="Go to the slate")).to_be_focused()
    keys.press("/")
    box = site.page.get_by_role("combobox", name="Id of a person")
    expect(box).to_be_focused()
    keys.type("person-1")
    expect(site.page.get_by_role("option", name="person-12")).to_be_visible()
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    chosen = site.page.locator('[role=option][aria-selected="true"]').inner_text()
    keys.press("Enter")
    expect(site.page.get_by_role("heading", name=f"Slate for {chosen}")).to_be_visible()
    expect(site.page.get_by_role("listbox")).to_be_hidden()
    keys.press("Tab")  # out of the box, where letters are letters
    keys.press("j")
    keys.press("j")
    expect(site.cards.nth(1)).to_be_focused()
    first, second, third = site.items()[:3]
    with site.page.expect_response("**/v1/events"):
        keys.press("l")
    expect(site.card(second).get_by_role("button", name="Liked")).to_be_visible()
    keys.press("w")
    expect(site.card(second).locator("details")).to_have_attribute("open", "")
    with site.page.expect_response("**/v1/events"):
        keys.press("x")
    expect(site.card(second)).to_have_count(0)
    expect(site.card(third)).to_be_focused()
    keys.press("k")
    expect(site.card(first)).to_be_focused()
    keys.press("f")
    expect(site.page.get_by_role("dialog", name="How this slate was made")).to_be_visible()
    keys.press("Escape")
    expect(site.card(first)).to_be_focused()
    with site.page.expect_response("**/v1/feed"):
        keys.press("n")
    expect(site.page.locator("#about")).to_contain_text("Against the slate before")
    expect(site.cards.first).to_be_focused()
    assert second not in site.items()
    keys.press("?")
    expect(site.page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_buttons_are_reached_with_tab_and_focus_is_visible(site: Site) -> None:
    site.open("access-3")
    site.page.keyboard.press("Tab")
    site.page.get_by_role("button", name="Next slate").focus()
    names = []
    for _ in range(8):
        site.page.keyboard.press("Tab")
        names.append(site.evaluate("document.activeElement.textContent"))
        assert site.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert names[1:] == ["Like", "Love", "Dislike", "Hide", "Skip", "Follow", "Hide this creator"]


def test_single_keys_can_be_turned_off(site: Site) -> None:
    site.open("access-4")
    site.page.keyboard.press("?")
    site.page.get_by_role("switch", name="Use these keys").uncheck()
    site.page.keyboard.press("Escape")
    site.page.keyboard.press("j")
    assert site.evaluate("document.activeElement.tagName") != "ARTICLE"


def test_changes_are_announced(site: Site) -> None:
    site.open("access-5")
    expect(site.message).to_have_attribute("aria-live", "polite")
    expect(site.message).to_contain_text("Slate for access-5. 20 items")
    site.next_slate()
    expect(site.message).to_contain_text("Against the slate before: 20 new")


def test_a_small_window_scrolls_one_way_only_and_keeps_targets_large(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    site = Site(context.new_page(), address)
    site.open("access-6")
    assert site.evaluate("document.documentElement.scrollWidth") <= 320
    heights = site.evaluate("() => [...document.querySelectorAll('.react > button')].map(b => b.offsetHeight)")
    assert min(heights) >= 44
    site.page.get_by_role("button", name="How it was made").click()
    assert site.evaluate("document.querySelector('#funnel').scrollWidth <= 320")
    assert site.complaints == []
    context.close()


def test_nothing_jumps(site: Site) -> None:
    site.page.add_init_script(
        "new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) "
        "globalThis.shift = (globalThis.shift ?? 0) + e.value }).observe({type: 'layout-shift', buffered: true})"
    )
    site.open("access-7")
    site.page.wait_for_load_state("networkidle")
    site.next_slate()
    _settle(site)
    site.page.wait_for_timeout(300)
    assert (site.evaluate("globalThis.shift") or 0) < 0.1


def test_motion_is_left_out_where_it_is_not_wanted(site: Site) -> None:
    site.open("access-8")
    assert site.evaluate("getComputedStyle(document.querySelector('.positions > li')).animationName") == "none"


def test_names_of_marks_are_said(site: Site) -> None:
    site.open("access-9")
    site.next_slate()
    expect(site.cards.first.locator(".place")).to_have_text(re.compile("Position 1.*new in this slate"))
