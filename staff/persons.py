"""What the team sees of one person: a page of panels, each of which asks only for who may see its data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db.models import F, Max, Sum
from django.utils import timezone

from accounts import letters, sessions
from accounts.models import Mail, User
from chat.models import Conversation
from payments import money
from payments.models import Purchase
from staff.models import Audit, Erasure, Export
from staff.supporting import KINDS

MOST = 50  # rows of a panel; the lists behind them have the rest
FEW = 10
FACTORS = {
    Authenticator.Type.TOTP: "Authenticator app",
    Authenticator.Type.WEBAUTHN: "Passkey",
    Authenticator.Type.RECOVERY_CODES: "Recovery codes",
}

May = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Mark:
    """A status as a badge: its words and its tone (`ok`, `warn`, `bad`, `gold`, `ai`, or none)."""

    words: str
    tone: str = ""


def marks(person: User, *, is_proven: bool = True) -> list[Mark]:
    """How an account stands: everything that is not as usual, or "Active"."""
    found = []
    if person.premium_active and person.premium_until:
        found.append(Mark(f"Premium until {day(person.premium_until)}", "gold"))
    if person.is_superuser:
        found.append(Mark("Operator", "ai"))
    elif person.is_staff:
        found.append(Mark("Staff", "ai"))
    if not person.is_active:
        found.append(Mark("Inactive", "bad"))
    if person.restricted:
        found.append(Mark("Banned", "bad") if person.restricted == "ban" else Mark("Paused", "warn"))
    if person.erase_at:
        found.append(Mark(f"Leaves on {day(person.erase_at)}", "warn"))
    if not is_proven:
        found.append(Mark("Unproven", "warn"))
    return found if found and not (person.is_active and not person.restricted) else [Mark("Active", "ok"), *found]


def day(moment: Any) -> str:
    """A day, with its year when that is another one."""
    local = timezone.localtime(moment)
    return f"{local:%-d %b}" if local.year == timezone.localtime().year else f"{local:%-d %b %Y}"


def spent(people: list[int]) -> dict[int, list[str]]:
    """What each of these people paid and did not get back, in each currency, the largest number first."""
    kept = Purchase.objects.filter(user__in=people, status=Purchase.Status.PAID).order_by()
    sums = kept.values("user", "currency").annotate(sum=Sum(F("amount_total") - F("amount_refunded")))
    found: dict[int, list[str]] = {}
    for row in sorted(sums, key=lambda row: -(row["sum"] or 0)):
        if row["sum"]:
            found.setdefault(row["user"], []).append(money.formatted(row["sum"], row["currency"]))
    return found


def completed(people: list[User], *, with_money: bool) -> list[User]:
    """Each with its `marks`, when they were seen last (`seen_at`), and what they `spent`: three questions for all."""
    numbers = [person.pk for person in people]
    addresses = EmailAddress.objects.filter(user__in=numbers, verified=True)
    proven = set(addresses.values_list("user_id", "email"))
    used = UserSession.objects.filter(user__in=numbers).order_by().values("user").annotate(at=Max("last_seen_at"))
    seen = {row["user"]: row["at"] for row in used}
    sums = spent(numbers) if with_money else {}
    for person in people:
        told: Any = person
        told.marks = marks(person, is_proven=(person.pk, person.email) in proven)
        told.seen_at = max(filter(None, (seen.get(person.pk), person.last_login)), default=None)
        told.spent = sums.get(person.pk, [])
    return people


def panels(person: User, may: May) -> dict[str, Any]:
    """What the page shows, by the name of the panel; what this member of the team may not see is not asked for."""
    shown: dict[str, Any] = {
        "is_proven": EmailAddress.objects.filter(user=person, email=person.email, verified=True).exists(),
        "factors": _factors(person),
    }
    shown["marks"] = marks(person, is_proven=shown["is_proven"])
    for name, (needs, read) in PANELS.items():
        if may(needs):
            shown[name] = read(person)
    return shown


def _factors(person: User) -> list[dict[str, Any]]:
    """Which kinds, since when and used when: no names that they gave, and no secrets."""
    rows = Authenticator.objects.filter(user=person).order_by("created_at")
    return [
        {"kind": FACTORS[Authenticator.Type(row["type"])], **row}
        for row in rows.values("type", "created_at", "last_used_at")
    ]


def _grants(person: User) -> list[Any]:
    return list(person.premium_grants.order_by("-granted_at")[:MOST])


def _quotas(person: User) -> dict[str, Any]:
    full = {"text": settings.FREE_TEXT, "media": settings.FREE_MEDIA, "audio": settings.FREE_AUDIO}
    rows = Conversation.objects.filter(user=person).select_related("girl").order_by("-last_message_at")
    rows = rows.only(
        "pk", "last_message_at", "last_seq", "deleted_at", *(f"free_{kind}" for kind in KINDS), "girl__name"
    )
    talks = []
    for talk in rows[: MOST + 1]:
        left = {kind: getattr(talk, f"free_{kind}") for kind in KINDS}
        kinds = [{"name": KINDS[kind], "left": left[kind], "used": max(0, full[kind] - left[kind])} for kind in KINDS]
        talks.append({"talk": talk, "kinds": kinds})
    return {"talks": talks[:MOST], "has_more": len(talks) > MOST, "names": list(KINDS.values())}


def _purchases(person: User) -> dict[str, Any]:
    rows = list(Purchase.objects.filter(user=person).order_by("-created_at").defer("snapshot")[:FEW])
    return {"rows": rows, "spent": spent([person.pk]).get(person.pk, [])}


def _mails(person: User) -> list[dict[str, Any]]:
    """The newest; what did not arrive stands out."""
    tones = {Mail.State.FAILED: "bad", Mail.State.UNCLEAR: "warn", Mail.State.WAITING: "ai"}
    rows = Mail.objects.filter(user=person).defer("body", "html").order_by("-created_at")[:FEW]
    return [
        {"mail": row, "about": letters.title(row.template), "state": Mark(row.state.label, tones.get(row.state, ""))}
        for row in rows
    ]


def _export(person: User) -> Export | None:
    return Export.objects.filter(user=person).exclude(state=Export.State.GONE).order_by("-asked_at").first()


def _erasure(person: User) -> Erasure | None:
    return Erasure.objects.filter(person=person.pk, joined_at=person.date_joined).first()


def _audit(person: User) -> list[Audit]:
    return list(Audit.objects.filter(person=person.pk).order_by("-at", "-pk")[:FEW])


# Which permission opens which panel, and what it reads.
PANELS: dict[str, tuple[str, Callable[[User], Any]]] = {
    "grants": ("accounts.view_premiumgrant", _grants),
    "quotas": ("chat.view_conversation", _quotas),
    "sessions": ("accounts.end_sessions", sessions.signed_in),
    "purchases": ("payments.view_purchase", _purchases),
    "mails": ("accounts.view_mail", _mails),
    "consents": ("accounts.view_consent", lambda person: list(person.consents.order_by("-given_at"))),
    "restrictions": (
        "accounts.view_restriction",
        lambda person: list(person.restrictions.select_related("by")[:FEW]),
    ),
    "likes": ("girls.view_like", lambda person: person.likes.count()),
    "export": ("staff.view_export", _export),
    "erasure": ("staff.view_erasure", _erasure),
    "audit": ("staff.view_audit", _audit),
}
