"""The one page that is open to whoever is paused or banned."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts import restricting
from config.lib.doors import MemberRequest, private_page


@private_page
@require_safe
def restricted(request: MemberRequest) -> HttpResponse:
    """Why, until when, and what one can do."""
    standing = list(restricting.standing(request.user))
    if not standing:
        return redirect("/")
    return render(request, "account/restricted.html", {"standing": standing, "is_ban": standing[0].kind == "ban"})
