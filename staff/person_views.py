"""A person's page in the console, and the pages that ask once more before something is done to their account."""

from contextlib import nullcontext
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from config.lib.doors import kept_by_nobody
from staff import person_deeds, persons, supporting
from staff.person_deeds import DEEDS, Deed


def urls(site: AdminSite) -> list[URLPattern]:
    """Of the person's page, and of every deed on it; before those that Django makes of the same beginning."""
    at = "accounts/user/<int:pk>/"
    page = path(at, site.admin_view(partial(person_page, site=site)), name="person")
    return [page, *(_route(site, at, deed) for deed in DEEDS)]


def _route(site: AdminSite, at: str, deed: Deed) -> URLPattern:
    return path(f"{at}{deed.slug}/", site.admin_view(partial(deed_page, site=site, deed=deed)), name=deed.route)


@require_safe
def person_page(request: HttpRequest, pk: int, *, site: AdminSite) -> HttpResponse:
    """All that this member of the team may see of one person."""
    person = _person(request, pk, site)
    actor = cast(User, request.user)
    deeds = person_deeds.offered(person, actor.has_perm)
    why_not = supporting.within_reach(actor, person)
    about = {
        **_head(request, person, site, "person"),
        **persons.panels(person, actor.has_perm),
        "deeds": {} if why_not else {name: _button(deed, pk) for name, deed in deeds.items()},
        "why_not": why_not if deeds else "",
        **{f"may_see_{name}": actor.has_perm(persons.PANELS[name][0]) for name in ("export", "erasure")},
    }
    return kept_by_nobody(TemplateResponse(request, "staff/person/person.html", about))


def _button(deed: Deed, pk: int) -> dict[str, Any]:
    return {"button": deed.button, "is_bad": deed.is_bad, "url": reverse(f"admin:{deed.route}", args=[pk])}


@require_http_methods(["GET", "HEAD", "POST"])
def deed_page(request: HttpRequest, pk: int, *, site: AdminSite, deed: Deed) -> HttpResponse:
    """Ask once more, with a reason; do it; back to the person's page. Raises PermissionDenied."""
    actor = cast(User, request.user)
    if not actor.has_perm(deed.needs):
        raise PermissionDenied
    person = _person(request, pk, site)
    if supporting.within_reach(actor, person):
        raise PermissionDenied
    form = deed.form(request.POST or None, person=person, initial=_initial(request))
    refused = ""
    if form.is_valid():
        try:
            done = _do(request, deed, person, form, site)
        except supporting.Refused as error:
            refused = str(error)
            form.add_error(None, refused)
        else:
            (messages.success if done.is_new else messages.warning)(request, done.words)
            return redirect("admin:person", pk)
    about = {
        **_head(request, person, site, deed.title),
        "deed": deed,
        "form": form,
        "subject": form.subject(),
        "title": f"{deed.title}: {person}",
        "days": settings.ERASURE_DAYS,
    }
    status = 409 if refused else 200
    return kept_by_nobody(TemplateResponse(request, "staff/person/deed.html", about, status=status))


def _do(request: HttpRequest, deed: Deed, person: User, form: Any, site: AdminSite) -> supporting.Done:
    """The deed and its lines in both logs, in one transaction where it has none of its own."""
    actor = cast(User, request.user)
    with nullcontext() if deed.is_on_its_own else transaction.atomic():
        done = person_deeds.act(deed, person, actor, form.values())
        if done.is_new:
            people = cast(Any, site.get_model_admin(User))
            told = {"before": done.before, "after": done.after, "reason": form.cleaned_data["reason"]}
            people.log_change(request, person, done.did, **told)
    done.then()
    return done


def _initial(request: HttpRequest) -> dict[str, str]:
    """What the address says it is about."""
    of = request.GET.get("of", "")
    return {"of": of} if of else {}


def _person(request: HttpRequest, pk: int, site: AdminSite) -> User:
    """Whose page it is. Raises PermissionDenied for who may not see people, there or not, and Http404."""
    people: ModelAdmin[User] = site.get_model_admin(User)
    if not people.has_view_permission(request):
        raise PermissionDenied
    return get_object_or_404(User, pk=pk)


def _head(request: HttpRequest, person: User, site: AdminSite, current: str) -> dict[str, Any]:
    return {
        **site.each_context(request),
        "title": str(person),
        "person": person,
        "current": current,
        "opts": User._meta,
    }
