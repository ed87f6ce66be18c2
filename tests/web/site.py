"""The page as its tests see it."""

import json
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Locator, Page, Request, expect


@dataclass
class Site:
    """A window with the page. complaints: errors and warnings in its console."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def open(self, user: str | None = None, **query: str) -> None:
        """Open the page, with a person's slate where one is named."""
        said = "&".join(f"{name}={value}" for name, value in {**({"user": user} if user else {}), **query}.items())
        self.page.goto(f"{self.address}/?{said}")
        if user:
            expect(self.cards.first).to_be_visible()

    @property
    def cards(self) -> Locator:
        return self.page.locator("#positions article")

    @property
    def message(self) -> Locator:
        return self.page.locator("#message")

    def card(self, item: str) -> Locator:
        return self.page.locator(f'article[data-item="{item}"]')

    def items(self) -> list[str]:
        """Item ids in the order of the slate."""
        found: list[str] = self.cards.evaluate_all("cards => cards.map(card => card.dataset.item)")
        return found

    def press(self, item: str, name: str) -> None:
        """Press a button of a card."""
        self.card(item).get_by_role("button", name=name, exact=True).click()

    def next_slate(self) -> list[str]:
        """Ask for the next slate; its item ids."""
        with self.page.expect_response("**/v1/feed"):
            self.page.get_by_role("button", name="Next slate").click()
        expect(self.page.locator("#about")).to_contain_text("Against the slate before")
        expect(self.page.locator("#slate")).not_to_have_attribute("aria-busy", "true")
        return self.items()

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)


def sent_events(request: Request) -> list[dict[str, Any]]:
    """The events that a request carries."""
    events: list[dict[str, Any]] = json.loads(request.post_data or "{}")["events"]
    return events
