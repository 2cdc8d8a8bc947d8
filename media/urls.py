from django.urls import path

from media import profile, views

app_name = "media"
urlpatterns = [
    path("media/uploads/", views.uploads, name="uploads"),
    path("account/", profile.profile, name="profile"),
    path("account/preferences/", profile.prefer, name="prefer"),
    path("account/avatar/remove/", profile.remove_avatar, name="remove_avatar"),
    path("media/uploads/<uuid:pk>/", views.one, name="upload"),
    path("media/uploads/<uuid:pk>/complete/", views.complete, name="complete"),
    path("media/uploads/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("media/uploads/<uuid:pk>/retry/", views.retry, name="retry"),
    path("media/disk/<str:token>", views.local_upload, name="local_upload"),
    path("media/signed/<str:token>", views.local_view, name="local_view"),
    path("media/<uuid:pk>/<slug:variant>", views.view, name="view"),
    path("media/girls/<path:name>", views.public, name="public"),
]
