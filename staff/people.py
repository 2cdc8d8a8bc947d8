"""Finding a member for a command, by whatever they are known by."""

from django.db.models import Count, Sum

from accounts.models import User
from chat.models import Conversation
from payments.models import Purchase


def find(name: str) -> User | None:
    """By e-mail address, username in any case, or number. None when there is nobody."""
    name = name.strip().replace("\x00", "")
    if "@" in name:
        return User.objects.filter(email=name).first()
    found = User.objects.filter(username__iexact=name).first()
    if found is None and name.isascii() and name.isdecimal() and len(name) < 19:
        return User.objects.filter(pk=int(name)).first()
    return found


def left_by(user: User) -> str:
    """How much there is of theirs, in words."""
    talks = Conversation.objects.of(user.pk).aggregate(all=Count("pk"), messages=Sum("last_seq", default=0))
    counts = {
        "conversations": talks["all"],
        "messages": talks["messages"],
        "likes": user.likes.count(),
        "purchases": Purchase.objects.visible_to(user).count(),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items())
