from allauth.socialaccount.providers.apple import views as apple_views
from allauth.socialaccount.providers.google import views as google_views
from django.urls import include, path, reverse_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from accounts import legal_views, mail_views, restricted_views, security, social, views

TO_SECURITY = RedirectView.as_view(pattern_name="account_security")

second_factors = [  # allauth's addresses, with doors and pages of ours
    path("", TO_SECURITY, name="mfa_index"),
    path("authenticate/", security.AuthenticateView.as_view(), name="mfa_authenticate"),
    path("totp/activate/", security.ActivateTOTPView.as_view(), name="mfa_activate_totp"),
    path("webauthn/", TO_SECURITY, name="mfa_list_webauthn"),
    path("webauthn/add/", security.AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    path("webauthn/keys/<int:pk>/remove/", security.RemovePasskeyView.as_view(), name="mfa_remove_webauthn"),
    path("webauthn/reauthenticate/", security.ReauthenticateWebAuthnView.as_view(), name="mfa_reauthenticate_webauthn"),
]

google, apple = social.door("google"), social.door("apple")
ways_in = [  # Google and Apple
    path("3rdparty/", social.connections, name="socialaccount_connections"),
    path("3rdparty/signup/", social.sign_up, name="socialaccount_signup"),
    path("google/login/", google(google_views.oauth2_login), name="google_login"),
    path("google/login/callback/", google(google_views.oauth2_callback), name="google_callback"),
    path("apple/login/", apple(apple_views.oauth2_login), name="apple_login"),
    path("apple/login/callback/", csrf_exempt(apple(apple_views.oauth2_callback)), name="apple_callback"),
    path("apple/login/callback/finish/", apple(apple_views.oauth2_finish_login), name="apple_finish_callback"),
    # Not ours: signing in by a script of Google's, and addresses of long ago.
    path("google/login/token/", views.nothing_here, name="google_login_by_token"),
    path("social/<path:rest>", views.nothing_here),
]

urlpatterns = [
    path("terms/", legal_views.current, {"document": "terms"}, name="terms"),
    path("terms/<str:version>/", legal_views.earlier, {"document": "terms"}, name="terms_version"),
    path("privacy/", legal_views.current, {"document": "privacy"}, name="privacy"),
    path("privacy/<str:version>/", legal_views.earlier, {"document": "privacy"}, name="privacy_version"),
    path("account/agree/", legal_views.agree, name="agree"),
    path("account/paused/", restricted_views.restricted, name="restricted"),
    path("mail/", mail_views.mails, name="mails"),
    path("mail/<uuid:key>/", mail_views.mail, name="mail"),
    path("mail/<uuid:key>/look/", mail_views.look, name="mail_look"),
    path("age/", views.answer_age, name="agegate"),
    path("signin", RedirectView.as_view(pattern_name="account_login", query_string=True), name="signin"),
    path("reset-password", RedirectView.as_view(pattern_name="account_reset_password", query_string=True)),
    path("accounts/signup/", views.SignupView.as_view(), name="account_signup"),
    path("account/security/", security.show, name="account_security"),
    path("account/security/sessions/<int:pk>/end/", security.end_session, name="end_session"),
    path("account/security/sessions/end/", security.end_other_sessions, name="end_other_sessions"),
    path("accounts/2fa/", include(second_factors)),
    path("accounts/", include(ways_in)),
    path("accounts/email/", security.change_email, name="account_email"),
    path("accounts/password/change/", security.ChangePasswordView.as_view(), name="account_change_password"),
    path("accounts/password/set/", security.SetPasswordView.as_view(), name="account_set_password"),
    path("accounts/sessions/", TO_SECURITY, name="usersessions_list"),
    path("accounts/signup/code/", views.signup_code, name="account_signup_code"),
    path("accounts/confirm-email/", views.EmailCodeView.as_view(), name="account_email_verification_sent"),
    path("accounts/password/reset/", views.ResetView.as_view(), name="account_reset_password"),
    path("accounts/password/reset/confirm/", views.ResetCodeView.as_view(), name="account_confirm_password_reset_code"),
    path("accounts/password/reset/complete/", views.NewPasswordView.as_view(), name="account_complete_password_reset"),
    # Links of mails from before there were codes.
    path("accounts/password/reset/key/<path:key>", RedirectView.as_view(url=reverse_lazy("account_reset_password"))),
    path("accounts/login/code/confirm/", views.nothing_here, name="account_confirm_login_code"),  # nobody is sent one
    path("accounts/", include("allauth.urls")),
]
