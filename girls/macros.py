"""Placeholders that authors of characters write, as card formats know them: `{{user}}` and `{{char}}`."""

import re

_MACRO = re.compile(
    r"\{\{\s*(?P<name>user|char|//[^{}]*)\s*\}\}|<(?P<old>USER|BOT|CHAR)>", re.IGNORECASE
)  # {{// a note}} is for the author only


def fill(text: str, *, char: str, user: str = "", nobody: str = "you") -> str:
    """The text with the two names in it. `nobody` stands for a person whose name is not known."""
    if "{{" not in text and "<" not in text:
        return text

    def name(found: re.Match[str]) -> str:
        macro = (found["name"] or found["old"]).lower()
        if macro.startswith("//"):
            return ""
        return user or nobody if macro == "user" else char

    return _MACRO.sub(name, text)
