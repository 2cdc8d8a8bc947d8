"""Doors of the files: ask to put one up, say that it is there, look at one."""

import re
import time
from functools import wraps
from typing import Any
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts import ratelimits
from config.lib.doors import MemberRequest, View, kept_by_nobody, not_signed_in, refused, takes
from config.lib.handler import BODY_BYTES
from config.lib.jsonbody import BadRequest
from media import local, purposes, uploading
from media.forms import UploadBody
from media.models import TYPES, File, Upload
from media.purposes import NotAllowed
from media.ranges import file_response
from media.storage import StorageUnavailable, store, window_end

PUBLIC = re.compile(r"girls/(?:\d+/(?:profile|background)/)?[A-Za-z0-9-]{1,80}\.(?:webp|avif)")
ENVELOPE_BYTES = 16 * 1024  # of a form around its file
AT_ONCE = 100  # uploads that a page may ask about in one go
SLOWEST = 50_000  # bytes a second: so long may the sending of a file take
KEPT = "private, max-age=300"  # by the browser, under an address that is another one after that


def _answers_json(view: View) -> View:
    """A member's door that speaks JSON; refusals become answers."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return not_signed_in(request)
        try:
            response = view(request, *args, **kwargs)
        except (Http404, NotAllowed):
            response = refused("not_found", "There is nothing here.", 404)
        except BadRequest as error:
            response = refused(error.code, error.message, 400)
        except uploading.BadUpload as error:
            response = refused("bad_upload", str(error), 400)
        except uploading.NotSent:
            response = refused("not_sent", "The file didn’t arrive. Try again.", 409)
        except StorageUnavailable:
            response = refused("storage_unavailable", "Our storage didn’t answer. Try again.", 503)
            response["Retry-After"] = "5"
        except ratelimits.TooManyRequests as error:
            response = refused("too_many_requests", "That was a little fast. Wait a moment.", 429)
            response["Retry-After"] = str(error.retry_after)
        return kept_by_nobody(response)

    return door


# --- Putting up ----------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@_answers_json
def uploads(request: MemberRequest) -> HttpResponse:
    """Ask to put up one file, or how some of one's uploads stand."""
    return _ask(request) if request.method == "POST" else _several(request)


def _ask(request: MemberRequest) -> HttpResponse:
    """What to send a file with, and where."""
    body: UploadBody = UploadBody.of(request)
    ratelimits.may_upload(request.user)
    upload = uploading.ask(request.user, **body.model_dump())
    form = uploading.form(upload)
    return JsonResponse({"upload": _shape(upload), "url": form.url, "fields": form.fields}, status=201)


def _several(request: MemberRequest) -> HttpResponse:
    """How those in `?ids=` stand, as far as they are this member's: a page asks once for all that it waits for."""
    try:
        pks = [UUID(one) for one in request.GET.get("ids", "").split(",")[:AT_ONCE] if one]
    except ValueError:
        raise BadRequest("bad_request", "Something is wrong with ids.") from None
    return JsonResponse({"uploads": [_shape(upload) for upload in uploading.of(request.user, *pks)]})


@require_GET
@_answers_json
def one(request: MemberRequest, pk: UUID) -> HttpResponse:
    """How an upload stands."""
    return JsonResponse({"upload": _shape(_find(request, pk))})


@require_POST
@_answers_json
def complete(request: MemberRequest, pk: UUID) -> HttpResponse:
    """It is there."""
    upload = _find(request, pk)
    uploading.complete(upload)
    return JsonResponse({"upload": _shape(upload)})


@require_POST
@_answers_json
def cancel(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Give it up."""
    upload = _find(request, pk)
    uploading.cancel(upload)
    return JsonResponse({"upload": _shape(upload)})


@require_POST
@_answers_json
def retry(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Try once more what failed for reasons of ours."""
    upload = _find(request, pk)
    uploading.retry(upload)
    return JsonResponse({"upload": _shape(upload)})


def _find(request: MemberRequest, pk: UUID) -> Upload:
    found: Upload = get_object_or_404(uploading.of(request.user, pk))
    return found


def _shape(upload: Upload) -> dict[str, Any]:
    """An upload as the page knows it. No key of the storage, nothing of others."""
    ready = upload.state == Upload.State.READY
    return {
        "id": str(upload.pk),
        "state": upload.state,
        "kind": upload.kind,
        "name": upload.name,
        "error": upload.error,
        "thumb_url": reverse("media:view", args=[upload.pk, "thumb"]) if ready else None,
    }


# --- Looking at ------------------------------------------------------------------------------------------


@require_safe
def view(request: HttpRequest, pk: UUID, variant: str) -> HttpResponse:
    """On to a signed address of a file, if this person may see it now. Foreign and absent ones are the same: 404."""
    file = get_object_or_404(File.objects.ready(), pk=pk)
    formats = file.formats_of(variant)
    if not formats or not purposes.may_see(request.user, file, variant):
        raise Http404
    wanted = request.headers.get("Accept", "")
    chosen = next((ending for ending in formats[1:] if TYPES[ending] in wanted), formats[0])
    address = store().view_url(file.key_of(variant, chosen), until=window_end())
    response = kept_by_nobody(HttpResponseRedirect(address))
    patch_vary_headers(response, ["Accept", "Cookie"])
    return response


@require_safe
def public(request: HttpRequest, name: str) -> HttpResponseBase:
    """The face of a character. Names are never used twice, so browsers may keep it for a year."""
    key = f"girls/{name}"
    if not PUBLIC.fullmatch(key):
        raise Http404
    if not isinstance(store(), local.Disk):  # a bucket without a CDN before it
        response = HttpResponseRedirect(store().view_url(key, until=window_end()))
        response["Cache-Control"] = "public, max-age=120"
        return response
    return file_response(request, local.Disk().path(key), cache="public, max-age=31536000, immutable")


# --- The local twin of a bucket ---------------------------------------------------------------------------


def _takes(token: str) -> int:
    """How much an upload to this disk may bring."""
    try:
        return int(str(local.upload_ticket(token)["max"])) + ENVELOPE_BYTES
    except signing.BadSignature:
        return BODY_BYTES


@csrf_exempt  # whoever has the address may, as at a bucket
@takes(_takes)
@require_POST
def local_upload(request: HttpRequest, token: str) -> HttpResponse:
    """Take one file, as a bucket would: exactly what was signed. For this disk, and for buckets that take no forms."""
    try:
        ticket: dict[str, Any] = local.upload_ticket(token)
    except signing.BadSignature:
        return refused("signature", "This address is not ours.", 403)
    file = request.FILES.get("file")
    if file is None:
        return refused("no_file", "There is no file.", 400)
    if time.time() > ticket["until"] + (file.size or 0) / SLOWEST:
        return refused("expired", "This address is over. Ask for another.", 403)
    if {"key": ticket["key"], "Content-Type": ticket["type"]} != request.POST.dict():
        return refused("policy", "The form says something else than what was signed.", 403)
    if not 1 <= (file.size or 0) <= ticket["max"]:
        return refused("size", "The file is empty or too large.", 400)
    try:
        store().put(ticket["key"], file, content_type=ticket["type"])
    except StorageUnavailable:
        return refused("storage_unavailable", "Our storage didn’t answer. Try again.", 503)
    return HttpResponse(status=204)


@require_safe
def local_view(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show a file of this disk to whoever has the address, or let them save it, until it is over."""
    try:
        key, name = local.view_ticket(token)
    except signing.BadSignature:
        return refused("signature", "This address is not ours, or it is over.", 403)
    if not isinstance(store(), local.Disk):
        raise Http404
    return file_response(request, local.Disk().path(key), cache="private, no-store" if name else KEPT, save_as=name)
