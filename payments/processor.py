"""Who takes the money here: Stripe where its key is set, its scripted twin while DEBUG is on, else nobody.

A second processor is a module like `stripe_api` and one more line below.
"""

from django.conf import settings

from payments import stripe_scripted
from payments.base import Processor, ProcessorRefused


def get_processor() -> Processor:
    """The door to the money. Raises ProcessorRefused when there is none."""
    if settings.STRIPE_SECRET_KEY:
        # Not above: its library is the dearest import of all, and no process should start later for it.
        from payments import stripe_api

        return stripe_api
    if settings.DEBUG:
        return stripe_scripted
    raise ProcessorRefused("STRIPE_SECRET_KEY is not set")


def is_scripted() -> bool:
    """Whether payments are only played here."""
    return settings.DEBUG and not settings.STRIPE_SECRET_KEY
