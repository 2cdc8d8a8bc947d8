"""Doors of the chat: find, call one function, answer."""

from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts import permits, ratelimits
from accounts.turnstile import SecurityCheckFailed
from chat import arriving, blocking, frames, protecting, quotas, searching, sending, settling, starting, sync
from chat.forms import MessageBody, PermitBody, ReadBody, StopBody
from chat.models import Conversation, Message, Reply
from chat.quotas import QuotaExhausted
from config.lib.doors import MemberRequest, View, kept_by_nobody, mark_of, not_signed_in, private_page, refused
from config.lib.jsonbody import BadRequest
from config.lib.waiting import Full
from girls import gallery, reporting
from girls.models import Girl
from girls.views import HtmxRequest, cursor, page_or_part
from safety import helplines
from safety.models import Report

PANEL_PHOTOS = 6
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def answers_json(view: View) -> View:
    """A private door that speaks JSON: who is not signed in is told so; the product's refusals become answers."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return not_signed_in(request)
        try:
            response = view(request, *args, **kwargs)
        except (Http404, Conversation.DoesNotExist):
            response = refused("not_found", "There is nothing here.", 404)
        except BadRequest as error:
            response = refused(error.code, error.message, 400)
        except sending.CharacterRetired:
            words = "This character has retired. What was said stays here to read."
            response = refused("character_retired", words, 410)
        except sending.AccountRestricted:
            response = refused("account_paused", "This account is paused or closed.", 403, url=reverse("restricted"))
        except SecurityCheckFailed as failure:
            failure.note(user_id=request.user.pk)
            response = refused("security_check_failed", "Security check failed", 403)
        except Full as full:
            response = refused("busy", "Very many people are here right now. Wait a moment.", 503)
            response["Retry-After"] = str(full.retry_after)
        except QuotaExhausted as error:
            response = refused("quota_exhausted", "Nothing is left for free here.", 402, kind=error.kind)
        except ratelimits.TooManyRequests as error:
            response = refused("too_many_requests", "That was a little fast. Wait a moment.", 429)
            response["Retry-After"] = str(error.retry_after)
        return kept_by_nobody(response)

    return door


def _find(request: MemberRequest, pk: UUID) -> Conversation:
    return get_object_or_404(Conversation.objects.visible_to(request.user), pk=pk)


def _find_to_read(request: MemberRequest, pk: UUID) -> Conversation:
    found = settling.looked_at(request.user, pk)
    if found is None:
        raise Http404
    return found


# --- Pages -------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Start the conversation with a character, or reopen it; the page then sends the starter that was chosen.

    A visitor signs up first and comes back here by GET: what they pressed is carried out then, and by nothing else.
    """
    girl = get_object_or_404(Girl.objects.visible_to(request.user), slug=slug)
    wish = arriving.Wish.remembered(request, girl)
    if request.method == "POST":
        wish = arriving.Wish.of(girl, request.POST.get("starter", ""), request.POST.get("about", ""))
        if not request.user.is_authenticated:
            response = redirect_to_login(request.path, reverse("account_signup"))
            wish.remember(response)
            return response
    if wish is None or not request.user.is_authenticated:
        return redirect(girl)
    conversation = starting.start_conversation(request.user, girl)
    response = redirect("chat:conversation", conversation.pk)
    if wish.starter is not None:
        response["Location"] += f"?starter={wish.starter}"
    elif wish.about is not None:
        response["Location"] += f"?about={wish.about}"
    arriving.forget(response)
    return response


@require_safe
def feed(request: HtmxRequest) -> HttpResponse:
    """What all characters posted, newest first; for a member, first those they talk with. `?before=` as next said."""
    near = None
    if request.user.is_authenticated:
        near = Conversation.objects.visible_to(request.user).order_by().values("girl")
    context = {"posts": gallery.feed(request.user, cursor(request), near), "feed": True}
    return page_or_part(request, "chat/feed.html", "girls/_posts.html", context)


@require_GET
@private_page
def thread_list(request: MemberRequest) -> HttpResponse:
    """The thread list; on a desktop beside an invitation to pick one."""
    return render(request, "chat/threads.html", _threads(request))


@require_GET
@private_page
def latest(request: MemberRequest) -> HttpResponse:
    """The three latest threads, a fragment for the browse page."""
    return render(request, "chat/_latest.html", {"threads": sync.threads(request.user, limit=3)["threads"]})


@require_GET
@private_page
def conversation(request: MemberRequest, pk: UUID) -> HttpResponse:
    """A conversation: its last 50 messages, beside the thread list."""
    found = _find_to_read(request, pk)
    state = sync.snapshot(found)
    girl = found.girl
    starters = {str(index): starter for index, starter in enumerate(girl.starters)}
    starter = starters.get(request.GET.get("starter", ""), "")
    unread_from = next((m["seq"] for m in state["messages"] if m["seq"] > found.last_read_seq), None)
    context = _threads(request) | {
        "girl": girl,
        "conversation": state["conversation"],
        "said": state["messages"],  # `messages` are Django's own
        "reply": state["reply"],
        "has_older": state["has_more"],
        "unread_from": unread_from,
        "quota": quotas.band(found, owed=state["reply"] is not None and state["reply"]["state"] in Reply.OWED),
        "photos": gallery.tiles_of(girl, request.user, 0, PANEL_PHOTOS)
        if girl.is_active and girl.gallery_count
        else [],
        "free_total": {"text": settings.FREE_TEXT, "media": settings.FREE_MEDIA, "audio": settings.FREE_AUDIO},
        "message_max": settings.MESSAGE_MAX_CHARACTERS,
    }
    context["state_json"] = {
        "conversation": state["conversation"],
        "messages": [_beside_its_row(m) for m in state["messages"]],
        "reply": state["reply"],
        "has_older": state["has_more"],
        "unread_from": unread_from,
        "quota_low": quotas.LOW,
        "message_max": settings.MESSAGE_MAX_CHARACTERS,
        "permit_scope": sending.PERMIT_SCOPE,
        "enter_sends": request.user.enter_sends,
        "starter": starter,
        "draft": starting.draft_about(request.user, girl, request.GET.get("about", "")),
        **context["state_json"],
    }
    return render(request, "chat/conversation.html", context)


def _threads(request: MemberRequest) -> dict[str, Any]:
    page = sync.threads(request.user)
    return {
        "threads": page["threads"],
        "empty": [None],  # what templates for the page's script are filled with
        "has_more": page["has_more"],
        "state_json": {"threads": page["threads"], "stamp": page["stamp"], "next": page["next"]},
        "unread_count": sum(t["unread"] for t in page["threads"]),
    }


def _beside_its_row(message: Any) -> dict[str, Any]:
    """A message for the page's script, without what it reads in the row that the page draws of it."""
    drawn = {"id", "html", "created_at"}
    return {name: value for name, value in message.items() if name not in drawn and value is not None}


@private_page
@require_POST
def block(request: MemberRequest, slug: str) -> HttpResponse:
    """POST: she is not there any more for this person; on to the page where that can be taken back."""
    girl = get_object_or_404(Girl, slug=slug)
    blocking.block(request.user, girl)
    messages.success(request, f"{girl.name} is blocked. You won’t see her any more.")
    return redirect("girls:reports")


@private_page
@require_POST
def unblock(request: MemberRequest, slug: str) -> HttpResponse:
    """POST: she is there again."""
    girl = get_object_or_404(Girl, slug=slug)
    blocking.unblock(request.user, girl)
    messages.success(request, f"{girl.name} is back, with what you said to each other.")
    return redirect("girls:reports")


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: MemberRequest, pk: UUID, message: UUID) -> HttpResponse:
    """Report something that she said."""
    found = _find(request, pk)
    said = get_object_or_404(found.messages, pk=message, sender=Message.Sender.AI, deleted_at=None)
    return reporting.ask(
        request,
        what=Report.What.MESSAGE,
        target=f"message:{found.pk}:{said.seq}",
        about=f"A message of {found.girl.name}",
        back=reverse("chat:conversation", args=[pk]),
        evidence=lambda: protecting.evidence(found, said.seq),
        girl=found.girl,
    )


# --- JSON --------------------------------------------------------------------------------------------


@require_GET
@answers_json
def threads(request: MemberRequest) -> HttpResponse:
    """GET: the thread list, 50 at a time, `?before=<what `next` of the page before said>`."""
    before = request.GET.get("before")
    try:
        return JsonResponse(sync.threads(request.user, None if before is None else sync.Cursor.of(before)))
    except sync.NoCursor:
        raise BadRequest("bad_request", "before is what next said.") from None


@require_GET
@answers_json
def state(request: MemberRequest, pk: UUID) -> HttpResponse:
    """GET: what changed after `?after=<version>`; without it the last 50 messages."""
    found = _find_to_read(request, pk)
    if "after" not in request.GET:
        return JsonResponse(sync.snapshot(found))
    return JsonResponse(sync.changes_since(found, _number(request, "after")).state())


@require_GET
@answers_json
def older(request: MemberRequest, pk: UUID) -> HttpResponse:
    """GET: the 50 messages before `?before=<seq>`."""
    return JsonResponse(sync.older(_find(request, pk), _number(request, "before")))


def said(request: MemberRequest, pk: UUID) -> HttpResponse:
    """GET older messages, POST a new one."""
    return send(request, pk) if request.method == "POST" else older(request, pk)


@require_GET
@answers_json
def search(request: MemberRequest) -> HttpResponse:
    """GET: where `?q=` was said in this member's conversations, 20 at a time, `?before=<what next said>`."""
    words, before = request.GET.get("q", ""), request.GET.get("before")
    if "\x00" in words:
        raise BadRequest("bad_request", "Something is wrong with q.")
    ratelimits.may_search(request.user)
    try:
        return JsonResponse(searching.find(request.user, words, None if before is None else sync.Cursor.of(before)))
    except sync.NoCursor:
        raise BadRequest("bad_request", "before is what next said.") from None


@require_GET
@answers_json
def unread(request: MemberRequest) -> HttpResponse:
    """GET: how many conversations hold something unread, for the badge of pages outside of the chat."""
    return JsonResponse({"unread": Conversation.objects.of(request.user.pk).unread().count()})


@require_GET
@answers_json
def session(request: MemberRequest) -> HttpResponse:
    """GET: whose session this is, and the CSRF token that is good now, for a page that was opened before it began."""
    return JsonResponse({"member": mark_of(request.user), "csrf_token": get_token(request)})


@require_POST
@answers_json
def mint_permit(request: MemberRequest) -> HttpResponse:
    """POST {token, scope}: proof of a browser for the next few sends."""
    body = PermitBody.of(request)
    if body.scope != sending.PERMIT_SCOPE:
        raise BadRequest("bad_request", "Something is wrong with scope.")
    permit = permits.mint(request.user, body.token, body.scope)
    return JsonResponse(
        {"permit": str(permit.pk), "uses_left": permit.uses_left, "expires_at": frames.iso(permit.expires_at)},
        status=201,
    )


@require_POST
@answers_json
def send(request: MemberRequest, pk: UUID) -> HttpResponse:
    """POST {text, client_id, permit}: 201; a repeat of a client id answers 200 with the same and costs nothing."""
    body = MessageBody.of(request)
    ratelimits.may_send(request.user)
    where = _country(request)
    sent = sending.send_message(
        request.user, pk, text=body.text, client_id=body.client_id, permit=body.permit, country=where
    )
    if sent.conversation.user.restricted:  # since this message: it is kept, and the page says why
        raise sending.AccountRestricted
    return JsonResponse(_sent(sent), status=201 if sent.created else 200)


@require_POST
@answers_json
def retry(request: MemberRequest, pk: UUID) -> HttpResponse:
    """POST: ask again after a failure; 201, or 200 when it was asked already."""
    found = _find(request, pk)
    ratelimits.may_retry(request.user)
    try:
        sent = sending.retry_reply(found)
    except sending.NothingToRetry:
        raise BadRequest("bad_request", "There is nothing to try again.") from None
    return JsonResponse(_sent(sent), status=201 if sent.created else 200)


@require_POST
@answers_json
def stop(request: MemberRequest, pk: UUID) -> HttpResponse:
    """POST {seen?}: stop the running reply, keeping what was on screen."""
    reply = sending.stop_reply(_find(request, pk), seen=StopBody.of(request).seen)
    return JsonResponse({"reply": frames.reply(reply)})


@require_POST
def go_on(request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST: she answers again after a crisis card: {conversation, reply}, or the conversation's page for a form."""
    return _go_on_by_form(request, pk) if request.content_type in FORMS else _go_on(request, pk)


@answers_json
def _go_on(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = _find(request, pk)
    reply = sending.go_on(found, country=_country(request))
    return JsonResponse({"conversation": frames.conversation(_find(request, pk)), "reply": frames.reply(reply)})


def _go_on_by_form(request: HttpRequest, pk: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return _sign_in_for(pk)
    _go_on(request, pk)  # one that is not there is said by the next page
    return redirect("chat:conversation", pk)


@require_POST
@answers_json
def read(request: MemberRequest, pk: UUID) -> HttpResponse:
    """POST {seq}: everything up to there was read."""
    sending.mark_read(_find(request, pk), seq=ReadBody.of(request).seq)
    return HttpResponse(status=204)


@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST: the conversation goes, and the next page offers to bring it back: 204, or that page for a form."""
    return _delete_by_form(request, pk) if request.content_type in FORMS else _delete(request, pk)


@answers_json
def _delete(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = _find(request, pk)
    starting.delete_conversation(found)
    messages.success(request, f"Your chat with {found.girl.name} was deleted.", reverse("chat:restore", args=[pk]))
    return HttpResponse(status=204)


def _delete_by_form(request: HttpRequest, pk: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return _sign_in_for(pk)
    _delete(request, pk)  # gone already is as good
    return redirect("chat:threads")


def _sign_in_for(pk: UUID) -> HttpResponse:
    """Sign-in comes back by GET: to the conversation where the form was, not to the form's door."""
    return redirect_to_login(reverse("chat:conversation", args=[pk]))


@require_POST
def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST: bring back a conversation that was deleted a moment ago."""
    if not request.user.is_authenticated:
        return _sign_in_for(pk)
    try:
        starting.restore_conversation(request.user, pk)
    except Conversation.DoesNotExist:
        messages.error(request, "It’s too late to bring that chat back.")
        return redirect("chat:threads")
    return redirect("chat:conversation", pk)


def _sent(sent: sending.Sent) -> dict[str, Any]:
    return {
        "message": frames.message(sent.message),
        "reply": frames.reply(sent.reply),
        "conversation": frames.conversation(sent.conversation),
        "notices": [frames.message(notice) for notice in sent.notices],
    }


def _country(request: HttpRequest) -> str:
    """Where somebody is, for the helplines of a crisis card."""
    said = str(getattr(request.user, "country", ""))
    return helplines.country_of(said, request.headers.get("Accept-Language", ""))


def _number(request: MemberRequest, name: str) -> int:
    value = request.GET.get(name, "")
    if not value.isascii() or not value.isdecimal() or len(value) > 15:
        raise BadRequest("bad_request", f"{name} is a whole number.")
    return int(value)
