"""The doors of legal pages: to read them, as they are and as they were, and to agree to them again."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import legal, legal_text
from config.lib.doors import MemberRequest, private_page, safe_next


@require_safe
def current(request: HttpRequest, document: str) -> HttpResponse:
    """A document as it is now. The database is not asked: see `legal.standing`."""
    return _page(request, legal.standing().current[document])


@require_safe
def earlier(request: HttpRequest, document: str, version: str) -> HttpResponse:
    """A document as it is or was, by the name of its version."""
    found = legal.find(document, version)
    if found is None:
        raise Http404
    return _page(request, found)


def _page(request: HttpRequest, shown: legal.Version) -> HttpResponse:
    versions = legal.standing().history[shown.document]
    if shown not in versions:  # published a moment ago, by another process
        versions = legal.look().history[shown.document]
    context = {
        "shown": shown,
        "is_current": shown == versions[0],
        "versions": versions,
        "words": legal_text.to_html(shown.text),
    }
    return render(request, "pages/legal.html", context)


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def agree(request: MemberRequest) -> HttpResponse:
    """What changed, and one button. Whoever has agreed goes on to where they were.

    The database is asked, not what this process remembers: what one agrees to is what is there to be read.
    """
    user, next_url = request.user, safe_next(request, request.GET.get("next") or request.POST.get("next"), "/")
    if request.method == "POST":
        legal.agree(user, legal.read(request.POST.get("shown", "")))
    now = legal.look()
    missing = legal.missing(user, now)
    if not missing:
        return redirect(next_url)
    if request.method == "POST":
        messages.info(request, "They have changed once more. Please look again.")
    changed = [now.current[document] for document in missing]
    shown = {document: found.version for document, found in now.current.items()}
    context = {"changed": changed, "documents": now.current.values(), "next": next_url, "shown": legal.spelled(shown)}
    return render(request, "account/agree.html", context)
