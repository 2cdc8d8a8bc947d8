"""What a member reported, and what became of it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.lib.doors import MemberRequest, private_page
from safety.models import Report

MOST = 100


@private_page
@require_safe
def reports(request: MemberRequest) -> HttpResponse:
    """Their reports, the newest first, with the reasons of what was decided."""
    theirs = Report.objects.filter(by=request.user).order_by("-created_at").defer("evidence")
    return render(request, "safety/reports.html", {"reports": theirs[:MOST]})
