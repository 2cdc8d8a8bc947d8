"""The pages that everybody may read, gate or no gate: safety, terms and privacy."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def safety(request: HttpRequest) -> HttpResponse:
    """The AI notice and the published self-harm protocol."""
    return render(request, "pages/safety.html")


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """The terms of use."""
    return render(request, "pages/terms.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """The privacy notice."""
    return render(request, "pages/privacy.html")
