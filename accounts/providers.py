"""Google and Apple as a way in: which of them are on, and where they are."""

from typing import Any

from allauth.socialaccount.providers.apple.views import AppleOAuth2Adapter
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.conf import settings


def all_of_them() -> dict[str, dict[str, Any]]:
    """As allauth is told of them; whose keys are not set has no `APPS`."""
    found: dict[str, dict[str, Any]] = settings.SOCIALACCOUNT_PROVIDERS
    return found


def is_on(provider: str) -> bool:
    """Whether the keys of one of them are set."""
    return bool(all_of_them()[provider]["APPS"])


def find(google: str, apple: str) -> None:
    """Where they are asked: at home, or at an address of a test that plays them."""
    GoogleOAuth2Adapter.authorize_url = f"{google or 'https://accounts.google.com'}/o/oauth2/v2/auth"
    GoogleOAuth2Adapter.access_token_url = f"{google or 'https://oauth2.googleapis.com'}/token"
    apple = apple or "https://appleid.apple.com"
    AppleOAuth2Adapter.authorize_url = f"{apple}/auth/authorize"
    AppleOAuth2Adapter.access_token_url = f"{apple}/auth/token"
    AppleOAuth2Adapter.public_key_url = f"{apple}/auth/keys"
    AppleOAuth2Adapter.login_cancelled_error = "user_cancelled_authorize"  # allauth knows Google's word for it only
