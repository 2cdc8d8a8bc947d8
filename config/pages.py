"""What everybody may read, gate or no gate: safety, and what browsers and robots ask for."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from safety import figures, helplines
from safety.models import Count

# The canvas of static/css/tokens.css, for what a browser draws around a page.
CANVAS = "#fdf8f6"
DAY = 24 * 3600
ROBOTS = """\
User-agent: *
Disallow: /account/
Disallow: /accounts/
Disallow: /age/
Disallow: /checkout/
"""


@require_safe
@vary_on_headers("Accept-Language")
def safety(request: HttpRequest) -> HttpResponse:
    """Who helps where the visitor is, or where they ask for; the AI notice; the published self-harm protocol."""
    theirs = str(request.user.country) if request.user.is_authenticated else ""
    said = request.GET.get("country")
    code = helplines.country_of(theirs, request.headers.get("Accept-Language", "")) if said is None else said[:2]
    this_year = timezone.now().year
    counted = [figures.published(year) for year in (this_year, this_year - 1)]
    about = {
        "help": helplines.for_country(code),
        "countries": helplines.countries(),
        "years": [
            {
                "year": year.year,
                "is_over": year.is_over,
                "referrals": figures.in_words(year.referrals),
                "interrupted": figures.in_words(year.of(Count.Action.INTERRUPTED)),
            }
            for year in counted
            if year and (year.referrals or not year.is_over)
        ],
    }
    return render(request, "pages/safety.html", about)


# --- For machines ----------------------------------------------------------------------------------


@require_safe
@cache_control(public=True, max_age=DAY)
def robots(request: HttpRequest) -> HttpResponse:
    """Where search engines find nothing. Private pages are not named: they ask for sign-in."""
    return HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=DAY)
def manifest(request: HttpRequest) -> HttpResponse:
    """What a device wants to know to put the site on its home screen."""
    icons = [
        {"src": static(f"img/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    about = {
        "id": "/",
        "name": settings.SITE_NAME,
        "short_name": settings.SITE_NAME,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": CANVAS,
        "theme_color": CANVAS,
        "lang": "en",
        "icons": icons,
    }
    return JsonResponse(about, content_type="application/manifest+json")


@require_safe
@cache_control(public=True, max_age=DAY)
def icon(request: HttpRequest, name: str) -> HttpResponse:
    """An icon under the name that browsers try without being told: the file is elsewhere."""
    return redirect(static(f"img/{name}"))
