"""The one mail about money that is ours: premium is on, for those who left before it was. Receipts are Stripe's."""

from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from payments.models import Purchase


def send_owed(purchase_id: UUID) -> None:
    """Send the mail if it is owed; whoever claims it sends it, so that it comes once."""
    purchase = Purchase.objects.select_related("user").filter(pk=purchase_id, mail_owed=True).first()
    if purchase is None or not Purchase.objects.filter(pk=purchase_id, mail_owed=True).update(mail_owed=False):
        return
    if purchase.user is None or purchase.status != Purchase.Status.PAID:
        return
    context = {
        "purchase": purchase,
        "user": purchase.user,
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
    }
    subject = render_to_string("emails/premium_on.subject.txt", context).strip()
    try:
        send_mail(subject, render_to_string("emails/premium_on.body.txt", context), None, [purchase.user.email])
    except Exception:
        Purchase.objects.filter(pk=purchase_id).update(mail_owed=True)  # the sweep tries again
        raise
