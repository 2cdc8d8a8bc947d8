from django.urls import include, path
from django.views.generic import RedirectView

from accounts import views

urlpatterns = [
    path("age/", views.answer_age, name="agegate"),
    path("signin", RedirectView.as_view(pattern_name="account_login", query_string=True), name="signin"),
    path("reset-password", RedirectView.as_view(pattern_name="account_reset_password", query_string=True)),
    path("accounts/signup/", views.SignupView.as_view(), name="account_signup"),
    path("accounts/", include("allauth.urls")),
]
