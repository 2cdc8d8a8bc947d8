import pytest

from tests.fakes.turnstile import SECRET_KEY, SITE_KEY, turnstile_server


@pytest.fixture(autouse=True)
def _as_on_a_laptop(settings):
    """No Turnstile key and DEBUG on: the local twin takes any token but "fail"."""
    settings.DEBUG = True
    settings.SITE_URL = "http://127.0.0.1:8000"
    settings.TURNSTILE_SITE_KEY = settings.TURNSTILE_SECRET_KEY = ""


@pytest.fixture
def cloudflare(settings):
    """Turnstile with keys, asking a real server on this machine."""
    with turnstile_server() as fake:
        settings.DEBUG = False
        settings.TURNSTILE_SITE_KEY = SITE_KEY
        settings.TURNSTILE_SECRET_KEY = SECRET_KEY
        settings.TURNSTILE_VERIFY_URL = fake.url
        yield fake
