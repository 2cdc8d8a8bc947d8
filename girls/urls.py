from django.urls import path

from girls import views

app_name = "girls"
urlpatterns = [
    path("", views.browse, name="browse"),
    path("girls/<slug:slug>/", views.about, name="about"),
]
