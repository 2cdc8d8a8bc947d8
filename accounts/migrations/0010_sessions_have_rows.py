"""Sessions from before devices were listed get their row, so that they are listed and ended like others."""

from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

from django.contrib.sessions.backends.db import SessionStore

AT_ONCE = 2000


def write_rows(apps, schema_editor):
    """Of each session that lets somebody in: whose it is. On which device it began was never written down."""
    Session, UserSession, User = (
        apps.get_model(*name) for name in (("sessions", "Session"), ("usersessions", "UserSession"), ("accounts", "User"))
    )
    listed = UserSession.objects.filter(session_key=models.OuterRef("session_key"))
    live = Session.objects.filter(~models.Exists(listed), expire_date__gt=timezone.now())
    store, rows = SessionStore(), []

    def write():
        people = set(User.objects.filter(pk__in={row.user_id for row in rows}).values_list("pk", flat=True))
        good = [row for row in rows if row.user_id in people]
        UserSession.objects.bulk_create(good, ignore_conflicts=True)  # a sign-in may have been faster
        rows.clear()

    for key, data in live.values_list("session_key", "session_data").iterator(AT_ONCE):
        said = store.decode(data).get("_auth_user_id", "")
        if said.isdecimal():
            rows.append(UserSession(session_key=key, user_id=int(said), ip="0.0.0.0", user_agent=""))
        if len(rows) >= AT_ONCE:
            write()
    write()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_mails_by_what_became_of_them"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(write_rows, migrations.RunPython.noop, elidable=True)]
