from django.urls import path

from staff import views

app_name = "staff"
urlpatterns = [
    path("account/data/", views.data, name="data"),
    path("account/data/export/", views.ask_export, name="ask_export"),
    path("account/data/export/<uuid:pk>/", views.download, name="download"),
    path("account/data/erase/", views.erase, name="erase"),
    path("account/data/keep/", views.keep, name="keep"),
]
