"""How a visitor looks at the site: size, theme, language, whether scripts run; and what every page owes to them."""

from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from playwright.sync_api import Page, expect

type Size = Literal["desktop", "phone"]
type Theme = Literal["light", "dark"]
type Language = Literal["en", "zh-CN"]

VIEWPORTS: dict[Size, tuple[int, int]] = {"desktop": (1280, 800), "phone": (390, 844)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One way to look at the site; ``language`` is what the browser asks for."""

    size: Size = "desktop"
    theme: Theme = "light"
    language: Language = "en"
    scripts: bool = True

    def __str__(self) -> str:
        return f"{self.size}-{self.theme}-{self.language}{'' if self.scripts else '-noscript'}"

    def context_options(self) -> dict[str, Any]:
        """What Playwright needs to know to open a browser context like this."""
        width, height = VIEWPORTS[self.size]
        return {
            "viewport": {"width": width, "height": height},
            "has_touch": self.size == "phone",
            "color_scheme": self.theme,
            "locale": self.language,
            "timezone_id": "Asia/Shanghai",
            "java_script_enabled": self.scripts,
            "reduced_motion": "reduce",
        }


SIZES: tuple[Size, ...] = ("desktop", "phone")
THEMES: tuple[Theme, ...] = ("light", "dark")
LANGUAGES: tuple[Language, ...] = ("en", "zh-CN")
LOOKS = [
    Look(size=size, theme=theme, language=language)
    for size, theme, language in product(SIZES, THEMES, LANGUAGES)
]


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the window that shows it; 0 is as it should be."""
    # Asked of an element, which is waited for: between two pages there is none.
    excess = page.locator("html").evaluate("html => html.scrollWidth - html.clientWidth")
    return max(0, int(excess))


def settled(page: Page) -> None:
    """Waits until htmx has put an answer in place, focus included.

    For some 20 ms what is there to be seen is not known to htmx yet: a key pressed then would go by it. No person is so
    fast; a test waits here between having seen an answer and pressing keys in it.
    """
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)
