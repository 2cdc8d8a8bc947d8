"""The doors of accounts that allauth does not have, and those of its own that take a code."""

from typing import Any

from allauth.account import views as allauth_views
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification_by_code import EmailVerificationProcess
from allauth.account.internal.flows.password_reset_by_code import PasswordResetVerificationProcess
from allauth.account.internal.flows.signup import complete_signup
from allauth.account.internal.templatekit import get_entrance_context_data
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts import agegate, codes, legal, signup, usernames
from accounts.forms import ResendForm, SignupCodeForm, SignupForm, network_of
from accounts.ratelimits import TooManyRequests
from accounts.signup import AlreadyTaken, Pending
from config.lib.doors import safe_next


class SignupView(allauth_views.SignupView):
    """allauth's sign-up, which remembers in the session what was typed until the address is proven."""

    def get_initial(self) -> dict[str, Any]:
        """What was typed before, all but the password: for who comes back to correct something."""
        pending = Pending.of(self.request.session)
        return {**super().get_initial(), **(_typed(pending) if pending else {})}

    def form_valid(self, form: SignupForm) -> HttpResponse:
        try:
            return super().form_valid(form)
        except TooManyRequests as wait:
            return _later(self.form_invalid, form, wait)


@require_http_methods(["GET", "HEAD", "POST"])
def signup_code(request: HttpRequest) -> HttpResponse:
    """Take the code that was sent to a new address; or send another one."""
    if request.user.is_authenticated:
        return redirect(safe_next(request, request.GET.get("next"), otherwise="/"))
    get_adapter().is_open_for_signup(request)
    pending = Pending.of(request.session)
    if pending is None:
        return redirect("account_signup")
    if not pending.is_waiting:
        messages.info(request, "That code is over. Choose your password once more, and we’ll send a new one.")
        return redirect(_the_form(pending))
    if request.method == "POST" and request.POST.get("action") == "resend":
        return _resend_signup_code(request, pending)
    form = SignupCodeForm(request.POST if request.method == "POST" else None, pending=pending)
    if form.is_valid():
        return _become_a_member(request, pending)
    if _is_over(form):
        signup.stop(request.session, pending)
        messages.error(request, codes.NO_TRIES_LEFT)
        return redirect(_the_form(pending))
    return _ask_for_signup_code(request, pending, form)


def _the_form(pending: Pending) -> str:
    """Where it is filled in, and leads to what somebody wanted before."""
    query = f"?{urlencode({'next': pending.next_url})}" if pending.next_url else ""
    return reverse("account_signup") + query


def _become_a_member(request: HttpRequest, pending: Pending) -> HttpResponse:
    try:
        user = signup.confirm(pending)
    except AlreadyTaken as taken:
        signup.stop(request.session, pending)
        return _sign_up_again(request, pending, taken)
    signup.forget(request.session)
    return complete_signup(request, user=user, redirect_url=pending.next_url or None)


def _sign_up_again(request: HttpRequest, pending: Pending, taken: AlreadyTaken) -> HttpResponse:
    """The form as it was filled in, with what somebody else got in the meantime."""
    form = SignupForm(data=_typed(pending))
    form.cleaned_data, form._errors = {}, forms.utils.ErrorDict()  # only this one thing is wrong with it
    if taken.field == "username":
        form.add_error("username", usernames.taken(pending.username))
    else:
        form.add_error("email", get_adapter().validation_error("email_taken"))
    way = format_html('<input type="hidden" name="next" value="{}">', pending.next_url) if pending.next_url else ""
    context = {**get_entrance_context_data(request), "form": form, "redirect_field": way}
    return render(request, "account/signup.html", context)


def _resend_signup_code(request: HttpRequest, pending: Pending) -> HttpResponse:
    form = ResendForm(request.POST)
    if form.is_valid():
        try:
            signup.resend(request.session, pending, network=network_of(request))
        except TooManyRequests as wait:
            return _later(lambda refused: _ask_for_signup_code(request, pending, resend=refused), form, wait)
        messages.success(request, "We’ve sent another code. Only the newest one works.")
        return redirect("account_signup_code")
    return _ask_for_signup_code(request, pending, resend=form)


def _ask_for_signup_code(
    request: HttpRequest, pending: Pending, form: SignupCodeForm | None = None, resend: ResendForm | None = None
) -> HttpResponse:
    context = {
        "email": pending.email,
        "form": form or SignupCodeForm(pending=pending),
        "resend": resend,
        "wait": pending.seconds_to_resend,
        "signup_url": _the_form(pending),
    }
    return render(request, "account/signup_code.html", context)


def _typed(pending: Pending) -> dict[str, Any]:
    """A sign-up form as it was filled in, all but the password."""
    year, month, day = pending.birth_date.split("-")
    return {
        "email": pending.email,
        "username": pending.username,
        "birth_day": day,
        "birth_month": month,
        "birth_year": year,
        "consent": True,
        "shown": legal.spelled(pending.consents),
    }


def _is_over(form: forms.Form) -> bool:
    """Whether no guess is left."""
    return form.is_bound and form.has_error("code", "no_tries_left")


def _later(refuse: Any, form: forms.Form, wait: TooManyRequests) -> HttpResponse:
    """The form again, which says how long to wait."""
    form.add_error(None, wait.words)
    response: HttpResponse = refuse(form)
    response.status_code = 429
    response["Retry-After"] = str(wait.retry_after)
    return response


class EmailCodeView(allauth_views.ConfirmEmailVerificationCodeView):
    """allauth's, for an address that is somebody's already. Guesses are counted by the form, so that a slip is none."""

    def get_form_class(self) -> type[forms.Form]:
        """Another code is sent to browsers only."""
        return ResendForm if self._action == "resend" else super().get_form_class()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form of the code, and what is wrong with asking for another."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        if self._action == "resend":
            context.update(resend=context["form"], form=self._get_verify_form_class()())
        return context

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Whoever signs in proves the address that the account has now: it may have been corrected meanwhile."""
        process = EmailVerificationProcess.resume(request)
        if process and process.user and request.user.is_anonymous and process.user.email != process.email:
            process.abort()
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def _resend_form_valid(self, form: forms.Form) -> HttpResponse:
        response: HttpResponse = super()._resend_form_valid(form)
        messages.success(self.request, "We’ve sent another code. Only the newest one works.")
        return response

    def _verify_form_invalid(self, form: forms.Form) -> HttpResponse:
        if self._action == "verify" and _is_over(form):
            self._process.abort()
            messages.error(self.request, codes.NO_TRIES_LEFT)
            return redirect("account_email" if self.request.user.is_authenticated else "account_login")
        return self.render_to_response(self.get_context_data(form=form))


def _still_theirs(process: Any) -> bool:
    """Whether a reset may go on: its mail went to the address that the account has now, for the password it has now."""
    if "user_id" not in process.state:
        return True  # nobody's: it goes on, and no code is right
    user = process.user
    return bool(
        user
        and user.is_active
        and user.email == process.state["email"]
        and constant_time_compare(user.get_session_auth_hash(), process.state.get("password", ""))
    )


class ResetStep:
    """A step of choosing a new password, for as long as it makes sense."""

    def dispatch(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Whoever comes without a process, or with one that is over, begins anew."""
        process = PasswordResetVerificationProcess.resume(request)
        if process and not _still_theirs(process):
            process.abort()
            process = None
        if process is None:
            return redirect("account_reset_password")
        return super().dispatch(request, **kwargs)  # type: ignore[misc]


class ResetView(allauth_views.PasswordResetView):
    """allauth's: whoever asks once more need not type the address again."""

    def get_initial(self) -> dict[str, Any]:
        """The address of the reset that has begun."""
        process = PasswordResetVerificationProcess.resume(self.request)
        return {**super().get_initial(), **({"email": process.state["email"]} if process else {})}


class ResetCodeView(ResetStep, allauth_views.ConfirmPasswordResetCodeView):
    """allauth's: the code of whoever forgot their password."""

    def form_valid(self, form: forms.Form) -> HttpResponse:
        signup.prove(self._process.user)
        response: HttpResponse = super().form_valid(form)
        return response

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        if _is_over(form):
            self._process.abort()
            messages.error(self.request, codes.NO_TRIES_LEFT)
            return redirect("account_reset_password")
        return self.render_to_response(self.get_context_data(form=form))


class NewPasswordView(ResetStep, allauth_views.CompletePasswordResetView):
    """allauth's: the new password, after which nobody is signed in with the former one, in no tab (the adapter)."""


def nothing_here(request: HttpRequest, **path: str) -> HttpResponse:
    """A door of allauth's that is not one of ours."""
    raise Http404


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
