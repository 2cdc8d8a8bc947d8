"""What a browser calls itself, in words that its owner knows it by: "Firefox on macOS", "Safari on iPhone"."""

from dataclasses import dataclass

from ua_parser import parse_os, parse_user_agent

BROWSERS = {  # the parser's name: what people call it
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "HeadlessChrome": "Chrome",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Opera Mobile": "Opera",
}
SYSTEMS = {"Mac OS X": "macOS", **dict.fromkeys(("Debian", "Fedora", "Mint", "Red Hat", "SUSE", "Ubuntu"), "Linux")}
UNKNOWN = "A browser"
IN_THE_HAND = {"Android", "iPad", "iPhone", "KaiOS", "Windows Phone"}
MOST = 200  # characters of a name that anybody may send; longer ones are nobody's browser


@dataclass(frozen=True, slots=True)
class Device:
    """What one sees of it: its words, and whether it is held in the hand."""

    name: str
    is_small: bool


def recognise(user_agent: str) -> Device:
    """The device behind a `User-Agent`; one that says nothing that is known is "A browser"."""
    text = user_agent[:MOST]
    browser, system = parse_user_agent(text), parse_os(text)
    name = BROWSERS.get(browser.family, browser.family)[:40] if browser else UNKNOWN
    where = SYSTEMS.get(system.family, system.family)[:40] if system else ""
    if where == "iOS":
        where = "iPad" if "iPad" in text else "iPhone"
    return Device(f"{name} on {where}" if where else name, where in IN_THE_HAND)
