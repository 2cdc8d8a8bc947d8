"""What the team's own tables know of a person, and the tables that know nobody."""

import json
from collections.abc import Iterator

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.models import User
from config.lib.privacy import ALL, Document, Fate
from media.storage import store
from safety.models import Helpline
from staff.models import Audit, Export

FORMER_NAME = "former.staff"
FORMER = "former-staff@erased.invalid"  # stands where somebody stood who worked here once

TABLES = {
    "staff.Export": Fate(why="The copy itself; the zip goes with it."),
    "staff.Erasure": Fate(
        why="That this number was erased, so that a backup that is brought back can be told.", keeps=ALL
    ),
    "staff.Audit": Fate(
        why="What the team did stays; of somebody who was erased, a member or a colleague, no word is left in it.",
        blanks=("actor", "actor_name", "address", "device", "did", "name", "before", "after", "reason"),
        keeps=("table", "key"),
    ),
    "safety.Helpline": Fate(
        why="The lines stay; of a former colleague who checked one no name is left.",
        blanks=("verified_by",),
        keeps=(
            *("country", "name", "kind", "display", "tel", "sms", "sms_word", "chat_url", "hours", "languages"),
            *("for_whom", "source", "status", "seed", "shipped"),
        ),
    ),
    "admin.LogEntry": Fate(
        why="What the team did stays; a line about somebody who was erased names them no more, and one by somebody who "
        "worked here is a former colleague’s.",
        blanks=("object_repr", "user"),
        keeps=("object_id", "change_message"),
    ),
}

# Nobody is in these: what the site is made of.
NOBODY = {
    "auth.Group": "A set of permissions.",
    "auth.Group_permissions": "The same.",
    "auth.Permission": "A name of something to do.",
    "chat.QuotaReset": "Which free messages were filled up for many at once, and how far that came.",
    "contenttypes.ContentType": "A name of a table.",
    "girls.Media": "What characters show; the files know who put them up.",
    "payments.CatalogCache": "What is on sale.",
    "safety.Count": "How often something was found or done on a day in a country.",
    "staff.DailyGirl": "How much was said with a character on a day.",
    "staff.DailyPlan": "How much was sold of a plan on a day.",
    "staff.Day": "How much there was on a day.",
    "socialaccount.SocialApp": "Keys for Google and Apple; ours are in the environment.",
}


def export(user: User) -> Iterator[Document]:
    """Nothing: what the team writes down is not theirs."""
    yield from ()


def erase(user: User) -> Iterator[None]:
    """Copies of theirs, whoever still makes one; their name in the team's log."""
    for export in Export.objects.filter(user=user):
        Export.objects.filter(pk=export.pk).delete()  # whoever makes it finds that out, and leaves nothing
        store().delete([export.key])
        yield
    person = ContentType.objects.get_for_model(User)
    about = LogEntry.objects.filter(content_type=person, object_id=str(user.pk))
    about.update(object_repr=f"person {user.pk}", change_message=json.dumps([{"changed": {}}]))
    for line in Audit.objects.filter(person=user.pk):
        deed, *_ = line.did.partition(":")  # what follows a colon is a detail, which may name them
        unnamed = {"name": f"of person {user.pk}", "did": deed, "before": None, "after": None, "reason": ""}
        Audit.objects.filter(pk=line.pk).update(**unnamed)
    theirs = Audit.objects.filter(actor=user)
    theirs.update(actor_name=FORMER_NAME, actor=None, address=None, device="")
    Helpline.objects.filter(verified_by=user.username).update(verified_by=FORMER_NAME)
    if LogEntry.objects.filter(user=user).exists():
        former, _ = User.objects.get_or_create(
            email=FORMER, defaults={"username": FORMER_NAME, "is_active": False, "password": "!"}
        )
        LogEntry.objects.filter(user=user).update(user=former)
    yield
