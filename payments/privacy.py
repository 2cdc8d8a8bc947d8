"""What members bought: to take away. The book itself stays, as tax law wants it, and names nobody any more."""

import json
from collections.abc import Iterator

from django.utils.crypto import salted_hmac

from accounts.models import User
from config.lib.privacy import ALL, ROWS, Document, Fate
from payments.models import Purchase, booked

TABLES = {
    "payments.Purchase": Fate(
        "purchases.json",
        why="Kept for tax law, under a pseudonym.",
        blanks=("user", "method", "receipt_url", "next_url", "snapshot"),
        keeps=(
            *("session_id", "payment_intent_id", "product_id", "price_id", "name", "features", "currency", "status"),
            *("problem", "pseudonym"),
        ),
    ),
    "payments.StripeEvent": Fate(why="Names a payment, not who paid.", keeps=ALL),
    "payments.ScriptedSession": Fate(why="The demo’s checkout: it asks nobody for anything.", keeps=ALL),
}


def export(user: User) -> Iterator[Document]:
    """What they bought, or began to."""
    found = [
        {
            "order": purchase.order,
            "name": purchase.name,
            "days": purchase.duration_days,
            "price": purchase.price,
            "status": purchase.status_label,
            "method": purchase.method,
            "receipt": purchase.receipt_url,
            "created_at": purchase.created_at.isoformat(),
            "paid_at": purchase.paid_at and purchase.paid_at.isoformat(),
            "agreed_to_immediate_supply_at": purchase.consented_at and purchase.consented_at.isoformat(),
        }
        for purchase in Purchase.objects.visible_to(user).order_by("created_at")
    ]
    yield Document("purchases.json", [json.dumps(found, ensure_ascii=False, indent=2)])


def erase(user: User) -> Iterator[None]:
    """Amounts, dates and the payment's own numbers stay; who paid, with which card, and where they were, goes."""
    pseudonym = salted_hmac("payments.pseudonym", str(user.pk), algorithm="sha256").hexdigest()
    while mine := list(Purchase.objects.visible_to(user).order_by("pk")[:ROWS]):
        for purchase in mine:
            _forget_payer(purchase, pseudonym)
        yield


def _forget_payer(known: Purchase, pseudonym: str) -> None:
    """One statement that also outdates whatever news of it is on its way."""
    Purchase.objects.filter(pk=known.pk, revision=known.revision).update(
        user=None,
        pseudonym=pseudonym,
        method="",
        receipt_url="",
        next_url="",
        snapshot=booked(known.snapshot),
        revision=known.revision + 1,
    )
