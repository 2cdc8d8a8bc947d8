import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from staff import doctor
from staff.doctor import machines, vendors

MARKS = {"ok": "✓", "odd": "!", "bad": "✗"}
EXAMINATIONS: list[tuple[str, doctor.Examination]] = [
    ("settings", machines.settings_are_safe),
    ("database", machines.database),
    ("Redis", machines.redis_serves),
    ("work", machines.workers),
    ("mails", machines.mails),
    ("disk", machines.disks),
    ("clock", machines.clocks),
    ("clock", vendors.clocks),
    ("model host", vendors.model_hosts),
    ("files", vendors.bucket),
    ("mail", vendors.mail),
    ("Stripe", vendors.stripe),
    ("Turnstile", vendors.turnstile_key),
    ("site", vendors.ourselves),
]


class Command(BaseCommand):
    help = """Look at everything that Dusk leans on, and say what is wrong and how to mend it, in a line each.

Nothing is sent to anybody, no message, mail or payment; a file is put into tmp/ and deleted. It takes 15 seconds at
most and shows no key. Exit status: 0 nothing is broken (there may be lines with !), 1 something is (✗)."""

    requires_system_checks: list[str] = []  # it makes them itself, and goes on

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for a machine: a list of findings")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(doctor.examine(EXAMINATIONS))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
        else:
            for finding in findings:
                self._say(finding)
        if any(finding.verdict == "bad" for finding in findings):
            raise SystemExit(1)

    def _say(self, finding: doctor.Finding) -> None:
        paint = {"ok": self.style.SUCCESS, "odd": self.style.WARNING, "bad": self.style.ERROR}[finding.verdict]
        line = f"{finding.about}: {finding.words}{'' if finding.words.endswith(('.', ':', '!')) else '.'}"
        self.stdout.write(f"{paint(MARKS[finding.verdict])} {line}{f' {finding.remedy}' if finding.remedy else ''}")
        for copied in finding.lines:
            self.stdout.write(f"      {copied}")
