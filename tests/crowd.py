"""So many rows that PostgreSQL chooses how to look for one: a plan for an empty table says nothing."""

import uuid

from django.db import connection
from django.utils import timezone

from accounts.models import User
from payments.models import Purchase

MANY = 3000


def crowd():
    """People and purchases, counted, so that the planner knows of them."""
    people = User.objects.bulk_create(
        User(email=f"crowd{n}@example.net", username=f"crowd_{n}", password="!") for n in range(MANY)
    )
    Purchase.objects.bulk_create(
        Purchase(
            user=person,
            session_id=f"cs_crowd_{person.pk}",
            payment_intent_id=f"pi_crowd_{person.pk}",
            product_id="prod",
            price_id="price",
            name="30 days",
            duration_days=30,
            amount=2999,
            currency="usd",
            click=uuid.uuid4(),
            expires_at=timezone.now(),
        )
        for person in people
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user, payments_purchase")
