"""The staff's console as a whole: what is in it, what may be asked of it, and what it leaves behind."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from accounts.models import AgeRefusal, LegalVersion, Mail, User
from chat.models import Conversation, Message, Reply
from config.lib.adminkit import BoundedPaginator
from girls.models import Girl, Media
from media.models import Upload
from payments.models import CatalogCache, Purchase, StripeEvent
from safety.models import Helpline, Report
from staff import audit
from staff.models import Audit, Erasure, Export
from tests.factories import (
    PASSWORD,
    ConversationFactory,
    GirlFactory,
    MediaFactory,
    MessageFactory,
    PremiumGrantFactory,
    ReplyFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

KEY = {"pk", "pk__exact", "pk__in", "id", "id__exact", "id__in"}
SEARCH = ("", "__exact", "__iexact", "__icontains")
CHOICE = ("", "__exact", "__isnull", "__isempty")
DATE = (*CHOICE, "__gte", "__lt")

# All that an address may ask of each page, besides its key: what it searches and what it offers as a filter.
MAY_BE_ASKED: dict[str, dict[str, tuple[str, ...]]] = {
    "auth.group": {"name": SEARCH},
    "accounts.user": {
        **dict.fromkeys(("username", "email"), ("", "__exact", "__iexact")),
        "who": ("",),
    },
    "accounts.agerefusal": {"email_hash": ("", "__exact", "__iexact")},
    "accounts.mail": {
        **dict.fromkeys(("address", "user__email", "user__username"), ("", "__exact", "__iexact")),
        "state": ("",),
        "created_at": DATE,
    },
    "accounts.premiumgrant": {
        **dict.fromkeys(("user__email", "user__username", "reason"), SEARCH),
        **dict.fromkeys(("revoked_at", "granted_at"), DATE),
    },
    "accounts.legalversion": {"document": CHOICE},
    "girls.girl": {
        **dict.fromkeys(("name", "slug", "search_text"), SEARCH),
        "is": ("",),
    },
    "girls.media": {
        **dict.fromkeys(("text", "girl__name", "girl__slug"), SEARCH),
        **dict.fromkeys(("surface", "published", "premium_only", "mature", "kind"), CHOICE),
        "created_at": DATE,
    },
    "safety.report": {
        "target": ("", "__exact", "__iexact"),
        **dict.fromkeys(("reason", "what"), CHOICE),
        "state": ("",),
    },
    "safety.helpline": {"name": SEARCH, **dict.fromkeys(("status", "kind", "country"), CHOICE)},
    "media.upload": {
        **dict.fromkeys(("name", "owner__email", "owner__username"), SEARCH),
        **dict.fromkeys(("state", "purpose", "kind"), CHOICE),
        "created_at": DATE,
    },
    "chat.conversation": {
        **dict.fromkeys(("user__email", "user__username"), SEARCH),
        "girl": (*CHOICE, "__id__exact"),
    },
    "chat.reply": {
        "conversation__id": ("", "__exact", "__iexact"),
        "state": CHOICE,
        "provider": ("",),
        "created_at": DATE,
    },
    "payments.purchase": {
        **dict.fromkeys(("session_id", "payment_intent_id"), ("", "__exact", "__iexact")),
        **dict.fromkeys(("user__email", "user__username"), SEARCH),
        **dict.fromkeys(("status", "problem", "product_id"), CHOICE),
        "created_at": (*DATE, "__year", "__month", "__day"),
    },
    "payments.stripeevent": {
        **dict.fromkeys(("session_id", "payment_intent_id"), ("", "__exact", "__iexact")),
        "type": CHOICE,
        "state": ("",),
        "received_at": DATE,
    },
    "payments.catalogcache": {},
    "staff.export": {
        **dict.fromkeys(("user__email", "user__username"), ("", "__exact", "__iexact")),
        "state": CHOICE,
        "asked_at": DATE,
    },
    "staff.erasure": {
        "person": ("", "__exact", "__iexact"),
        "state": CHOICE,
        "asked_at": DATE,
    },
    "staff.audit": {"key": ("", "__exact", "__iexact"), "who": ("",), "kind": ("",), "at": DATE},
}
HOW = ("", "__exact", "__startswith", "__icontains", "__regex", "__gt", "__lt", "__isnull", "__in", "__contains")


def staff(*permissions, model=None):
    """A browser in which somebody of the staff is signed in who may do these things."""
    found = Permission.objects.filter(codename__in=permissions)
    if model is not None:
        found = Permission.objects.filter(
            content_type=ContentType.objects.get_for_model(model), codename__startswith="view_"
        )
    user = UserFactory(staff=True)
    user.user_permissions.set(found)
    browser = Client()
    browser.force_login(user)
    browser.user = user
    return browser


def changelist(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def paths(model, depth=2):
    """Every way through the tables that begins here and takes so many steps, hidden ones and those backwards too."""
    for field in model._meta.get_fields(include_hidden=True):
        yield field.name
        if field.is_relation and field.related_model and depth > 1:
            yield from (f"{field.name}__{further}" for further in paths(field.related_model, depth - 1))


def test_nothing_is_in_the_console_that_nobody_asked_for():
    assert {model._meta.label_lower for model in admin.site._registry} == set(MAY_BE_ASKED)


def test_a_page_that_forgets_the_base_class_is_not_there():
    class Forgetful(admin.ModelAdmin):
        pass

    for page in (Forgetful, None):
        admin.site.register(Message, page)
        assert not admin.site.is_registered(Message)


@pytest.mark.parametrize("label", MAY_BE_ASKED)
@pytest.mark.parametrize("is_superuser", [False, True])
def test_only_what_a_page_offers_may_be_asked_of_it(label, is_superuser):
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    if is_superuser or model is Group:
        browser = Client()
        browser.force_login(UserFactory(administrator=True))
    else:
        browser = staff(model=model)
    allowed = {f"{path}{how}" for path, hows in MAY_BE_ASKED[label].items() for how in hows} | KEY
    if model._meta.pk.name != "id":
        allowed |= {f"{model._meta.pk.name}{how}" for how in ("", "__exact", "__in")}
    if not is_superuser:  # what belongs to pages they may not open is searched as a whole only
        allowed -= {f"{path}__icontains" for path in MAY_BE_ASKED[label] if "__" in path}
    asked = set(paths(model, depth=1 if is_superuser else 2)) | set(MAY_BE_ASKED[label])
    wrong = []
    for path in sorted(asked):
        # Every way of asking for what is near; for the thousand others the one that reads letter by letter.
        for how in HOW if path in MAY_BE_ASKED[label] or "__" not in path else ("__startswith",):
            is_refused = browser.get(changelist(model), {f"{path}{how}": "x"}).status_code == 400
            if is_refused == (f"{path}{how}" in allowed):
                wrong.append(f"{path}{how}")
    assert wrong == []


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Conversation, "last_message_preview__startswith=S"),
        (Conversation, "last_message_preview=SECRET"),
        (Conversation, "messages__text__startswith=S"),
        (Conversation, "replies__text__icontains=S"),
        (Reply, "text__icontains=S"),
        (Reply, "message__text__regex=S"),
        (Reply, "conversation__last_message_preview__startswith=S"),
        (Reply, "conversation__user__password__startswith=md5"),
        (User, "password__startswith=md5"),
        (User, "conversations__last_message_preview__startswith=S"),
        (User, "_to_field=password"),
        (User, "_to_field=email"),
        (Girl, "persona_prompt__startswith=Y"),
        (Purchase, "user__password__startswith=md5"),
        (Purchase, "snapshot__icontains=x"),
        (AgeRefusal, "email_hash__startswith=a"),
        (AgeRefusal, "email_hash__gt=a"),
    ],
)
def test_what_is_not_shown_is_not_read_letter_by_letter(model, query):
    assert staff(model=model).get(f"{changelist(model)}?{query}").status_code == 400


def test_an_order_by_what_is_not_shown_changes_nothing():
    browser = staff(model=Conversation)
    for preview in ("b", "a", "c"):
        MessageFactory(conversation=ConversationFactory(), text=preview)
    plain = [row.pk for row in browser.get(changelist(Conversation)).context["cl"].result_list]
    for order in ("99", "-99", "last_message_preview", "user__password", "x", "-"):
        for name in ("o", "ot", "order", "ordering"):
            page = browser.get(changelist(Conversation), {name: order})
            if name == "o":
                assert [row.pk for row in page.context["cl"].result_list] == plain, order
            else:
                assert page.status_code == 400


def test_a_search_finds_no_hidden_word_and_no_part_of_an_address_that_is_not_shown():
    talk = ConversationFactory(user__email="secretive@example.com", user__username="plain_name")
    MessageFactory(conversation=talk, text="SECRET-WORD")
    ReplyFactory(conversation=talk, text="SECRET-WORD")
    browser = staff(model=Conversation)

    def found(query):
        return browser.get(changelist(Conversation), {"q": query}).context["cl"].result_count

    assert [found(part) for part in ("SECRET-WORD", "secretive@", "secretiv", "example.com", "cret")] == [0] * 5
    assert found("Secretive@example.com") == 1  # who knows the whole address asks for that person
    replies = staff(model=Reply)
    assert replies.get(changelist(Reply), {"q": "SECRET-WORD"}).context["cl"].result_count == 0
    browser.user.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert found("secretiv") == 1  # on that page they see it anyway


def test_no_page_of_the_console_shows_what_was_said_or_a_password():
    talk = ConversationFactory()
    MessageFactory(conversation=talk, text="SECRET-WORD")
    reply = ReplyFactory(conversation=talk, text="SECRET-WORD")
    Conversation.objects.update(last_message_preview="SECRET-WORD")
    person = talk.user
    boss = Client()
    boss.force_login(UserFactory(administrator=True))
    rows = [(Conversation, talk.pk), (Reply, reply.pk), (User, person.pk), (Girl, talk.girl_id)]
    everybody = [boss, *(staff(model=model) for model, _ in rows)]
    opened = 0
    for model, key in rows:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses = [reverse(f"{name}_changelist"), f"{reverse(f'{name}_changelist')}?_facets=True"]
        addresses += [reverse(f"{name}_{view}", args=[key]) for view in ("change", "history", "delete")]
        for browser in everybody:
            for address in addresses:
                page = browser.get(address)
                assert page.status_code in (200, 302, 403), address
                opened += page.status_code == 200
                assert b"SECRET-WORD" not in page.content, address
                assert person.password.encode() not in page.content, address
    assert opened > 20


def test_a_list_to_choose_from_tells_only_who_may_see_those_people(alice):
    def ask(browser, **more):
        query = {"app_label": "accounts", "model_name": "premiumgrant", "field_name": "user", "term": "ali", **more}
        return browser.get(reverse("admin:autocomplete"), query)

    assert ask(staff("add_premiumgrant", "view_premiumgrant")).status_code == 403
    assert ask(staff("view_user")).json()["results"] == [{"id": str(alice.pk), "text": "alice"}]
    through = {"app_label": "chat", "model_name": "message", "field_name": "conversation", "term": "a"}
    assert ask(staff("view_user"), **through).status_code == 403


# --- The door ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_console_takes_no_password(alice, method):
    sam, boss = staff(), UserFactory(administrator=True)
    login = reverse("admin:login")
    guess = {"username": boss.email, "password": PASSWORD, "next": "/admin/"}
    answer = getattr(Client(), method)(f"{login}?next=/admin/chat/", guess if method == "post" else {})
    assert answer["Location"].startswith("/accounts/login/?next=%2Fadmin%2F")
    assert getattr(sam, method)(login, guess)["Location"] == "/admin/"
    assert int(sam.session["_auth_user_id"]) == sam.user.pk
    member = Client()
    member.force_login(alice)
    assert getattr(member, method)(login, guess).status_code == 403
    changing = getattr(sam, method)(
        reverse("admin:password_change"), {"old_password": "x", "new_password1": "y", "new_password2": "y"}
    )
    assert changing["Location"] == "/accounts/password/change/"


def test_the_door_leads_nowhere_else():
    for after in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        assert staff().get(reverse("admin:login"), {"next": after})["Location"] == "/admin/"
        onward = Client().get(reverse("admin:login"), {"next": after})["Location"]
        assert onward.startswith("/accounts/login/?next=")


def test_who_is_sent_away_from_the_console_leaves_a_line_in_the_log(alice):
    member = Client()
    member.force_login(alice)
    with capture_logs() as heard:
        member.get("/admin/", follow=True)
        staff(model=Girl).get(changelist(User))
    denied = [line for line in heard if line["event"] == "staff_access_denied"]
    assert [line["page"] for line in denied] == ["admin:login", "admin:accounts_user_changelist"]
    assert denied[0]["user_id"] == alice.pk


# --- History ----------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(db):
    """One row for every page that has actions."""
    return {
        Girl: GirlFactory(unpublished=True),
        Media: MediaFactory(),
        Upload: Upload.objects.create(owner=UserFactory(), purpose="avatar", kind="image", max_bytes=1),
        User: UserFactory(),
        Mail: Mail.objects.create(address="a@example.com", template="x", due_at=None),
        AgeRefusal: AgeRefusal.objects.create(email_hash="x", until="2030-01-01"),
        LegalVersion: LegalVersion.objects.create(document="terms", text="Be kind."),
        Group: Group.objects.create(name="Editors"),
        Audit: audit.record(None, Group(pk=1, name="Editors"), "Added"),
        Conversation: ConversationFactory(),
        Reply: ReplyFactory(),
        Export: Export.objects.create(user=UserFactory(), state=Export.State.FAILED),
        Erasure: Erasure.objects.create(person=1, joined_at="2026-01-01T00:00Z", state="begun", by="member"),
        StripeEvent: StripeEvent.objects.create(id="evt_1", type="x", livemode=False),
        CatalogCache: CatalogCache.objects.get_or_create(pk=1)[0],
        Report: Report.objects.create(what="member", target="member:1", reason="minor", due_at="2026-01-01T00:00Z"),
        Helpline: Helpline.objects.create(name="SOS", kind="line", display="454545", tel="454545"),
        type(PremiumGrantFactory.build(user=None)): PremiumGrantFactory(),
        Purchase: Purchase.objects.create(
            user=UserFactory(),
            click="0" * 32,
            product_id="p",
            price_id="p",
            name="30 days",
            duration_days=30,
            amount=100,
            currency="usd",
            expires_at="2030-01-01T00:00:00Z",
        ),
    }


def test_every_action_of_every_page_leaves_its_line_in_the_history(rows, rf):
    boss = UserFactory(administrator=True)
    browser = Client()
    browser.force_login(boss)
    tried = []
    for model, page in admin.site._registry.items():
        row = rows[model]
        request = rf.get("/")
        request.user = boss
        for name in sorted(page.get_actions(request), key=lambda name: (name == "retire", name)):
            # Two ask before they do; one leaves its line with the copy that it made; one changes nothing.
            if name in {"delete_selected", "reset_quotas", "duplicate", "export_chosen"}:
                continue
            before = LogEntry.objects.filter(object_id=row.pk, user=boss).count()
            browser.post(changelist(model), {"action": name, "_selected_action": [row.pk]})
            after = LogEntry.objects.filter(object_id=row.pk, user=boss).count()
            assert after == before + 1, f"{model.__name__}: {name}"
            tried.append(name)
    moderating = {"publish", "unpublish", "retire", "show", "hide"}
    assert moderating | {"ask_again", "process_again", "refresh_now", "send_again", "make_again", "go_on"} <= set(tried)


def test_publishing_is_written_down_for_those_that_it_changed(client):
    client.force_login(UserFactory(administrator=True))
    hidden, shown = GirlFactory(unpublished=True), GirlFactory()
    client.post(changelist(Girl), {"action": "publish", "_selected_action": [hidden.pk, shown.pk]})
    said = LogEntry.objects.values_list("object_id", "change_message")
    assert list(said) == [(str(hidden.pk), "Published.")]
    page = client.get(reverse("admin:girls_girl_history", args=[hidden.pk])).content.decode()
    assert "Published." in page


def test_dates_are_written_so_that_no_month_can_be_a_day(client, alice):
    client.force_login(UserFactory(administrator=True))
    User.objects.filter(pk=alice.pk).update(date_joined="2026-11-05T19:15:00Z")
    assert "5 Nov 2026" in client.get(reverse("admin:accounts_user_change", args=[alice.pk])).content.decode()


def test_rows_without_number_are_neither_counted_nor_paged_to_the_end(client, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "MOST", 3)
    monkeypatch.setattr(admin.site._registry[Girl], "list_per_page", 2)
    client.force_login(UserFactory(administrator=True))
    for _ in range(3):
        GirlFactory()
    assert client.get(changelist(Girl)).context["cl"].paginator.counted == "3"
    GirlFactory()
    page = client.get(changelist(Girl), {"p": "2"})
    assert (page.context["cl"].paginator.counted, page.context["cl"].paginator.num_pages) == ("3+", 2)
    assert "3+ characters" in " ".join(page.content.decode().split())
