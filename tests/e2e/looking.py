"""Looking at a page as a person does, when it is whole: what axe finds on it, what is too wide, when it closes."""

import time
from collections.abc import Callable
from datetime import timedelta

from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import User

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLOURS = ["color-contrast", "link-in-text-block"]  # darkness changes nothing else
NARROW = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}

# A spinner turns for ever, and what follows the scrolling ends by no clock.
AT_REST = """async () => {
  await document.fonts.ready;
  const moving = document.getAnimations().filter((each) => each.playState === "running"
    && each.timeline === document.timeline && each.effect?.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(moving.map((each) => each.finished));
}"""


def at_rest(page: Page) -> None:
    """Until it is as people see it: with its styles and fonts, and nothing moves that will come to an end.

    After a click that leads elsewhere, words are on the next page, and have a size, before its styles have come: a
    browser paints nothing by then, but whoever asks where things are is answered.
    """
    page.wait_for_load_state("load")
    page.evaluate(AT_REST)


def faults(page: Page, name: str = "", *, preload: bool = True) -> dict[tuple[str, str, str], list[str]]:
    """What axe finds, by the page's name, the scheme and the rule: all of it in the light, colours in the dark.

    What stands in a frame is left out: a sandbox lets nobody in, and some browsers complain of the try.
    Without `preload` it does not fetch what @import names, and trip over the policy.
    """
    found = {}
    for scheme, rules in (("light", STANDARDS), ("dark", OF_COLOURS)):
        page.emulate_media(color_scheme=scheme)
        at_rest(page)  # colours may fade, too
        options = {"runOnly": rules, "preload": preload, "iframes": False}
        for rule in Axe().run(page, options=options).response["violations"]:
            found[name, scheme, rule["id"]] = [node["html"] for node in rule["nodes"]]
    return found


def sideways(page: Page) -> list[str]:
    """What makes a page wider than its window."""
    at_rest(page)
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.body.querySelectorAll("*")]
            .filter((part) => part.getBoundingClientRect().right > innerWidth + 1)
            .map((part) => part.outerHTML.slice(0, 120))"""
    )


def see_premium_end(member: User, look: Callable[[], object]) -> float:
    """Let premium end soon after somebody has looked: late enough to do that once more, however slow it is here.

    Returns until when that is waited for, in milliseconds from now.
    """
    began = time.monotonic()
    look()
    seconds = 7 + 3 * (time.monotonic() - began)
    User.objects.filter(pk=member.pk).update(premium_until=timezone.now() + timedelta(seconds=seconds))
    look()
    return (seconds + 20) * 1000
