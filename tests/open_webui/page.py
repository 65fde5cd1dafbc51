"""Open WebUI's page of a chat: what a user does there and sees."""

from __future__ import annotations

import json
from typing import Final

from tests.open_webui.browser import Browser

# A chip is a button among the text of an answer that names a source, and opens it when clicked.
_CHIP: Final = 'button[aria-label^="View source: "]'
_ANSWER: Final = "[...document.querySelectorAll('.chat-assistant')].at(-1)"
_SHOWN: Final = f"""
[...({_ANSWER}?.querySelectorAll('.markdown-prose p') ?? [])].map((paragraph) => {{
  const copy = paragraph.cloneNode(true);
  for (const chip of copy.querySelectorAll('{_CHIP}'))
    chip.replaceWith(`(${{chip.ariaLabel.replace('View source: ', '')}})`);
  return copy.textContent;
}}).join(' ')
"""
_CHIPS: Final = f"[...{_ANSWER}.querySelectorAll('.markdown-prose {_CHIP}')]"
_LINK: Final = "[role=dialog] a[href]"
_CLOSE: Final = '[aria-label="Close citation modal"]'


def sign_in(browser: Browser, url: str, email: str, password: str) -> None:
    """Fill in the form that Open WebUI shows to those whom it does not know."""
    browser.open(f"{url}/auth")
    browser.when("document.querySelector('#email') && document.querySelector('#password')")
    browser.type("#email", email)
    browser.enter("#password", password)
    browser.when("localStorage.token && document.querySelector('#chat-input')")


class ChatPage:
    """A new chat with one model."""

    def __init__(self, browser: Browser, url: str, model: str) -> None:
        self._browser = browser
        browser.open(f"{url}/?models={model}")
        browser.when(f"document.querySelector('#chat-input') && {_shows(model)}")

    def ask(self, question: str) -> None:
        self._browser.enter("#chat-input", question)

    def answer(self, wanted: str) -> str:
        """The last answer, with the name of its source in brackets for every chip.

        Waits for it to be the one that is wanted, and gives what there is if it never is.
        """
        self._browser.holds_soon(f"{_SHOWN} === {json.dumps(wanted)}")
        return str(self._browser.value(_SHOWN))

    def addresses(self) -> list[str]:
        """Where each chip of the last answer leads, in the order of the text."""
        chips = self._browser.value(f"{_CHIPS}.length")
        return [self._address(place) for place in range(chips)]

    def passages(self, place: int) -> str:
        """What is shown of the source of the chip at `place`."""
        return self._in_dialog(place, "document.querySelector('[role=dialog]')?.innerText")

    def shows(self, text: str) -> None:
        """Wait until the page shows `text`."""
        self._browser.when(_shows(text))

    def _address(self, place: int) -> str:
        return self._in_dialog(place, f"document.querySelector('{_LINK}')?.href")

    def _in_dialog(self, place: int, wanted: str) -> str:
        """What `wanted` gives once the chip at `place` has been clicked."""
        self._browser.value(f"{_CHIPS}[{place}].click()")
        found = self._browser.when(wanted)
        self._browser.value(f"document.querySelector('{_CLOSE}').click()")
        self._browser.when("!document.querySelector('[role=dialog]')")
        return str(found)


def _shows(text: str) -> str:
    return f"document.body.innerText.includes({json.dumps(text)})"
