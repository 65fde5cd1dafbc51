"""The page as its user knows it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

from tests.page import handbook
from tests.page.served import Scripted


class Asking:
    """A page that is open, and the upstreams behind it."""

    def __init__(self, page: Page, upstreams: Scripted) -> None:
        self.page, self.upstreams = page, upstreams

    def ask(self, question: str = handbook.QUESTION) -> Asking:
        """Ask, without waiting for the answer."""
        self.page.get_by_label("Your question").fill(question)
        self.page.keyboard.press("Enter")
        return self

    def answered(self, question: str = handbook.QUESTION) -> Asking:
        """Ask, and wait for the end of the answer."""
        return self.ask(question).ended()

    def ended(self) -> Asking:
        self.page.locator(".turn:last-child .actions").wait_for()
        return self

    @property
    def answer(self) -> Locator:
        """What the last answer says."""
        return self.page.locator(".turn:last-child .answer > .prose")

    @property
    def notice(self) -> Locator:
        return self.page.locator(".turn:last-child .notice")

    @property
    def source(self) -> Locator:
        """The panel with a source."""
        return self.page.locator("#source")

    def marker(self, place: int = 0) -> Locator:
        return self.answer.locator("button.marker").nth(place)

    @property
    def focused(self) -> str:
        """What has the focus: its id, else its name, else its text."""
        return str(
            self.page.evaluate(
                "() => { const at = document.activeElement;"
                " return at.id || at.ariaLabel || at.innerText; }"
            )
        )

    @property
    def sent(self) -> dict[str, Any]:
        """What the model was asked last."""
        return self.upstreams.asked[-1]
