"""Every URL of the site. Which app serves a page follows from whose data it shows."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from config import pages

urlpatterns = [
    path("", include("girls.urls")),
    path("", include("accounts.urls")),
    path("", include("chat.urls")),
    path("", include("media.urls")),
    path("", include("payments.urls")),
    path("", include("staff.urls")),
    path("safety/", pages.safety, name="safety"),
    path("robots.txt", pages.robots),
    path("manifest.webmanifest", pages.manifest, name="manifest"),
    path("favicon.ico", pages.icon, {"name": "favicon.ico"}),
    path("apple-touch-icon.png", pages.icon, {"name": "touch-icon.png"}),
    path(f"{settings.ADMIN_PATH}/", admin.site.urls),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
