from django.urls import path

from girls import views

app_name = "girls"
urlpatterns = [
    path("", views.browse, name="browse"),
    path("girls/<slug:slug>/", views.about, name="about"),
    path("girls/<slug:slug>/gallery/", views.photos, name="gallery"),
    path("girls/<slug:slug>/posts/", views.posts, name="posts"),
    path("account/reports/", views.reports, name="reports"),
    path("report/character/<slug:slug>/", views.report, name="report"),
    path("report/media/<int:pk>/", views.report_media, name="report_media"),
    path("girls/<slug:slug>/media/<int:pk>/like/", views.like, name="like"),
]
