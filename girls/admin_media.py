"""The tabs of a character's page in the console: her gallery, her posts, what she can send, her portrait and cover."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Literal
from uuid import UUID

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST
from pydantic import Field

from config.lib.adminkit import StaffAdmin
from config.lib.doors import kept_by_nobody, refused
from config.lib.jsonbody import BadRequest, Body
from girls import desk, publishing
from girls.desk import Tab
from girls.models import Girl, Media, MediaQuerySet
from media.purposes import Unwanted

Key = Annotated[int, Field(gt=0, lt=2**63)]
AT_ONCE = 2000  # items that one request may name
VERBS: dict[str, tuple[str, Callable[[MediaQuerySet], int]]] = {
    "publish": ("published", publishing.show),
    "hide": ("hidden", publishing.hide),
    "premium_on": (
        "made premium",
        lambda media: publishing.revise(media.filter(premium_only=False), premium_only=True),
    ),
    "premium_off": ("opened", lambda media: publishing.revise(media.filter(premium_only=True), premium_only=False)),
    "delete": ("deleted", publishing.take_down),
    "put_back": ("put back", publishing.put_back),
}


class Deed(Body):
    """What is done to several items at once."""

    verb: Literal["publish", "hide", "premium_on", "premium_off", "delete", "put_back"]
    ids: Annotated[list[Key], Field(min_length=1, max_length=AT_ONCE)]


class Order(Body):
    """The items of a surface, the first first."""

    ids: Annotated[list[Key], Field(max_length=AT_ONCE)]


class Removal(Body):
    """Which picture she loses."""

    name: Literal["portrait", "cover"]


def _answers_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(*args, **kwargs)
        except (Http404, Unwanted):
            response = refused("not_found", "This is gone. Somebody may have deleted it.", 404)
        except PermissionDenied:
            response = refused("not_allowed", "You may not do this.", 403)
        except BadRequest as error:
            response = refused(error.code, error.message, 400)
        return kept_by_nobody(response)

    return door


class MediaTabs:
    """The pages below /admin/girls/girl/<id>/ and what they ask for. `page` knows permissions and keeps the history."""

    def __init__(self, page: StaffAdmin, site: AdminSite) -> None:
        self.page = page
        self.site = site

    def urls(self) -> list[URLPattern]:
        """Where they are."""
        found = [
            path(
                "<int:pk>/pictures/", self._door(require_GET(_answers_json(self.pictures))), name="girls_girl_pictures"
            ),
            path("<int:pk>/pictures/remove/", self._door(require_POST(_answers_json(self.remove_picture)))),
        ]
        for tab in desk.TABS:
            more, base = {"tab": tab}, f"<int:pk>/{tab.slug}"
            found += [
                path(f"{base}/", self._door(require_GET(self.show)), more, name=f"girls_girl_{tab.slug}"),
                path(f"{base}/tiles/", self._door(require_GET(_answers_json(self.tiles))), more),
                path(f"{base}/several/", self._door(require_POST(_answers_json(self.several))), more),
                path(f"{base}/order/", self._door(require_POST(_answers_json(self.order))), more),
                path(f"{base}/<int:media_pk>/", self._door(require_POST(_answers_json(self.one))), more),
            ]
        return found

    def _door(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        return self.site.admin_view(view)

    def _girl(self, request: HttpRequest, pk: int, *permissions: str) -> Girl:
        """The character, for somebody who may edit her and do these things with media."""
        girl = get_object_or_404(Girl.objects.without_persona(), pk=pk)
        wanted = [f"girls.{permission}_media" for permission in permissions]
        if not self.page.has_change_permission(request, girl) or not request.user.has_perms(wanted):
            raise PermissionDenied
        return girl

    # --- Pages ---------------------------------------------------------------------------------------------------

    def show(self, request: HttpRequest, pk: int, tab: Tab) -> HttpResponse:
        """One surface: the uploader, and what is there."""
        girl = self._girl(request, pk, "change")
        context = {
            **self.site.each_context(request),
            "title": f"{girl.name}: {tab.surface.label}",
            "opts": self.page.opts,
            "original": girl,
            "girl": girl,
            "tab": tab,
            "counts": desk.counts(girl.pk),
            "items": self._with_words(desk.items(girl.pk, tab), tab),
            "form": desk.form_for(tab)(auto_id="edit_%s"),
            "target": {"girl": girl.pk, "surface": tab.surface.value},
            "may_add": request.user.has_perm("girls.add_media"),
            "may_delete": request.user.has_perm("girls.delete_media"),
        }
        request.current_app = self.site.name
        return TemplateResponse(request, "admin/girls/girl/media.html", context)

    def _with_words(self, items: MediaQuerySet, tab: Tab) -> list[Media]:
        found = list(items)
        for item in found:
            item.written = desk.written(item, tab)  # type: ignore[attr-defined]
        return found

    def _tiles(self, girl_id: int, tab: Tab, items: MediaQuerySet, **more: Any) -> JsonResponse:
        """Items as they stand on the page now, and the numbers on the tabs."""
        html = render_to_string(
            "admin/girls/girl/_tiles.html", {"items": self._with_words(items, tab), "tab": tab, "may_choose": True}
        )
        return JsonResponse({"html": html, "counts": desk.counts(girl_id), **more})

    # --- What they ask for ----------------------------------------------------------------------------------------

    def tiles(self, request: HttpRequest, pk: int, tab: Tab) -> HttpResponse:
        """Items that were made of these files (`?files=`)."""
        girl = self._girl(request, pk, "change")
        try:
            files = [UUID(one) for one in request.GET.get("files", "").split(",")[:100] if one]
        except ValueError:
            raise BadRequest("bad_request", "Something is wrong with files.") from None
        return self._tiles(girl.pk, tab, desk.of_files(girl.pk, tab, files))

    def one(self, request: HttpRequest, pk: int, tab: Tab, media_pk: int) -> HttpResponse:
        """Change what is written on one item."""
        girl = self._girl(request, pk, "change")
        item = get_object_or_404(desk.items(girl.pk, tab), pk=media_pk)
        form = desk.form_for(tab)(request.POST, instance=item)
        if not form.is_valid():
            return refused("invalid", "Something is not right yet.", 400, fields=form.errors)
        if form.changed_data:
            theirs = Media.objects.filter(pk=item.pk)
            if not publishing.revise(theirs, **{name: form.cleaned_data[name] for name in form.changed_data}):
                raise Http404
            names = ", ".join(str(form.fields[name].label).lower() for name in form.changed_data)
            self._log(request, girl, f"{tab.surface.label}: changed {names} of “{item}”.")
        return self._tiles(girl.pk, tab, desk.items(girl.pk, tab).filter(pk=item.pk))

    def several(self, request: HttpRequest, pk: int, tab: Tab) -> HttpResponse:
        """Do one thing to the chosen items, as far as they are there; answers those that are."""
        deed: Deed = Deed.of(request)
        girl = self._girl(request, pk, "delete" if deed.verb in ("delete", "put_back") else "change")
        if deed.verb.startswith("premium") and "premium_only" not in tab.fields:
            raise BadRequest("bad_request", "Only the gallery has premium items.")
        words, do = VERBS[deed.verb]
        chosen = girl.media.filter(surface=tab.surface, pk__in=deed.ids)
        done = do(chosen if deed.verb == "put_back" else chosen.kept())
        if done:
            self._log(request, girl, f"{tab.surface.label}: {words} {done} item{'' if done == 1 else 's'}.")
        return self._tiles(girl.pk, tab, desk.items(girl.pk, tab).filter(pk__in=deed.ids), done=done)

    def order(self, request: HttpRequest, pk: int, tab: Tab) -> HttpResponse:
        """Put the items in this order."""
        girl = self._girl(request, pk, "change")
        if not tab.sortable:  # time orders them
            raise Http404
        asked: Order = Order.of(request)
        order = publishing.arrange(girl.pk, tab.surface, asked.ids)
        self._log(request, girl, f"{tab.surface.label}: changed the order.")
        return JsonResponse({"ids": order})

    def pictures(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Her portrait and cover as they are now."""
        return JsonResponse({"pictures": desk.pictures(self._girl(request, pk))})

    def remove_picture(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take her portrait or her cover away."""
        removal: Removal = Removal.of(request)
        girl = self._girl(request, pk)
        give = publishing.give_portrait if removal.name == "portrait" else publishing.give_cover
        give(girl.pk, None)
        self._log(request, girl, f"Took her {removal.name} away.")
        return JsonResponse({"pictures": desk.pictures(self._girl(request, pk))})

    def _log(self, request: HttpRequest, girl: Girl, words: str) -> None:
        self.page.log_change(request, girl, words)
