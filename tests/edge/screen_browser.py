"""A headless browser in front of the screen that keeps everything the page complained about or asked for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error, async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

    from tests.edge.screen_at_work import ScreenAtWork

WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));
"""
# The answer of a browser to a refused PIN is a line in its console, and is meant.
MEANT = "the server responded with a status of 403"


class Watched:
    """One page of a browser, and everything it complained about or asked for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._asked(request.url, address))

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and MEANT not in message.text:
            self.complaints.append(message.text)

    def _asked(self, url: str, address: str) -> None:
        if not url.startswith(address):
            self.foreign.append(url)

    async def open(self, address: str, page_name: str) -> None:
        await self.page.goto(address)
        await self.shows(page_name)

    async def shows(self, page_name: str) -> None:
        await self.page.wait_for_selector(f'#app[data-page="{page_name}"]')

    async def touch(self, selector: str) -> None:
        await self.page.wait_for_selector('body[data-calm="yes"]')
        await self.page.click(f"{selector}:visible >> nth=0")

    async def comes_true(self, expression: str) -> None:
        """Wait, bounded. The browser's own waiting would evaluate text, which the page's policy forbids."""
        for _ in range(500):
            with contextlib.suppress(Error):
                if await self.page.evaluate(expression):
                    return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never true: {expression}")

    async def text(self, selector: str) -> str:
        return await self.page.inner_text(selector)


@contextlib.asynccontextmanager
async def watched(chromium: str, screen: ScreenAtWork, size: tuple[int, int]) -> AsyncIterator[Watched]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        try:
            page = await browser.new_page(viewport={"width": size[0], "height": size[1]})
            await page.add_init_script(WATCH)
            yield Watched(page, screen.address)
        finally:
            await browser.close()
