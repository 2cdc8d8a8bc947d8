from django.urls import path

from media import local

app_name = "media"
urlpatterns = [path("media/<path:path>", local.serve, name="local")]
