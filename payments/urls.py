from django.urls import include, path, re_path
from django.views.generic import RedirectView

from payments import views

pages = [
    path("plans/", views.plans, name="plans"),
    path("plans/<str:product_id>/checkout/", views.check_out, name="checkout"),
    path("checkout/success/", views.success, name="success"),
    path("checkout/scripted/<str:session_id>/", views.scripted, name="scripted"),
    path("account/premium/", views.account, name="account"),
    path("webhooks/stripe/", views.webhook, name="webhook"),
    re_path(
        r"^(?:/*)webhooks/+stripe/*$", views.webhook
    ),  # however it was typed at Stripe: a redirect would lose the news
]
urlpatterns = [
    path("account/", RedirectView.as_view(pattern_name="payments:account"), name="account"),
    path("", include((pages, "payments"))),
]
