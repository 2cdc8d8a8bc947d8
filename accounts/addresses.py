"""Another e-mail address: proven by a code that goes there, and told at the one before, which is good until then."""

from allauth.account.internal.flows.email_verification_by_code import EmailVerificationProcess
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.models import User


class AlreadyTaken(Exception):
    """The address became somebody else's meanwhile."""


def ask_for_proof(request: HttpRequest, user: User, email: str) -> None:
    """Send a code there, for this session to show. Whether the address is somebody else's only its mail says."""
    state = EmailVerificationProcess.initial_state(user, email)
    if User.objects.filter(email=email).exclude(pk=user.pk).exists():
        state["account_already_exists"] = True
    process = EmailVerificationProcess(request=request, user=user, state=state)
    process.generate_code()
    process.send()
    process.persist()


def change(user: User, email: str) -> str:
    """Make a proven address the person's; the one before. Raises AlreadyTaken."""
    try:
        with transaction.atomic():
            locked = User.objects.select_for_update().get(pk=user.pk)
            former, locked.email = locked.email, email
            locked.save(update_fields=["email"])  # what the former was good for is over
            EmailAddress.objects.filter(user=user, email=email).update(verified=True, primary=True)
    except IntegrityError as error:
        raise AlreadyTaken(email) from error
    user.email = email
    return former
