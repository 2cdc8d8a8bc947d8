"""The doors of accounts that allauth does not have."""

from allauth.account.adapter import get_adapter
from allauth.account.views import SignupView as AllauthSignupView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts import agegate
from accounts.forms import SignupForm
from accounts.signup import AlreadyTaken
from config.lib.doors import safe_next


class SignupView(AllauthSignupView):
    """allauth's sign-up; who lost a race for a name reads it next to the field."""

    def form_valid(self, form: SignupForm) -> HttpResponse:
        try:
            return super().form_valid(form)
        except AlreadyTaken as taken:
            form.add_error(taken.field, get_adapter().validation_error(f"{taken.field}_taken"))
            return self.form_invalid(form)


@require_http_methods(["GET", "HEAD", "POST"])
def answer_age(request: HttpRequest) -> HttpResponse:
    """Ask whether the visitor is an adult, and keep the answer. Who said no stays out for this session."""
    next_url = safe_next(request, request.POST.get("next") or request.GET.get("next"), otherwise="/")
    said = agegate.answer(request)
    if request.method != "POST":
        if said == agegate.ADULT or request.user.is_authenticated:
            return redirect(next_url)
        return agegate.gate(request, next_url=next_url)
    match request.POST.get("answer"):
        case agegate.ADULT if said != agegate.MINOR:
            response = redirect(next_url)
            agegate.remember(response, agegate.ADULT, max_age=agegate.YEAR)
        case agegate.MINOR:
            response = redirect("agegate")
            if said != agegate.MINOR:  # a longer memory of it, from signing up, stays as it is
                agegate.remember(response, agegate.MINOR, max_age=None)
        case _:
            response = redirect("agegate")
    return response
