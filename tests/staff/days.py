"""Rows of a day, by hand."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from chat.models import Message, Reply
from payments.models import Purchase
from tests.factories import ConversationFactory, UserFactory


def at(day, hour=12, minute=0, second=0, microsecond=0):
    """A moment of a day, UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, second, microsecond, tzinfo=UTC)


def said(conversation, moment, sender="user"):
    """A message that was sent then."""
    message = conversation.write(sender, "Hello.")
    Message.objects.filter(pk=message.pk).update(created_at=moment)
    return message


def replied(conversation, moment, *, state="done", seconds=2.0, first=None, provider="primary", **fields):
    """A reply that ended then, so many seconds after it was owed; the model began after `first` milliseconds."""
    times = {"first_token_ms": first, "total_ms": round(seconds * 1000)} if first is not None else {}
    return Reply.objects.create(
        conversation=conversation,
        answers_through=1,
        state=state,
        due_at=None,
        provider=provider,
        created_at=moment - timedelta(seconds=seconds),
        finished_at=moment,
        **{**times, **fields},
    )


def bought(moment, *, user=None, amount=2999, currency="usd", product="prod_30", name="30 days", **fields):
    """A purchase that was paid then."""
    values = {
        "status": Purchase.Status.PAID,
        "amount_total": amount,
        "session_id": f"cs_{uuid4().hex}",
        "due_at": None,
        "duration_days": 30,
        "paid_at": moment,
        **fields,
    }
    return Purchase.objects.create(
        user=user or UserFactory(date_joined=moment - timedelta(days=400)),
        click=uuid4(),
        product_id=product,
        price_id="price",
        name=name,
        amount=amount,
        currency=currency,
        created_at=moment,
        expires_at=moment,
        **values,
    )


def joined(moment, **fields):
    """Somebody who signed up then."""
    return UserFactory(date_joined=moment, **fields)


def talk(girl, **fields):
    """A conversation of somebody who has been a member for long."""
    fields.setdefault("user", UserFactory(date_joined=datetime(2020, 1, 1, tzinfo=UTC)))
    return ConversationFactory(girl=girl, **fields)
