from django.urls import path, re_path

from payments import views

app_name = "payments"
urlpatterns = [
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
