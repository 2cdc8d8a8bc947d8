"""Plans, checkout, success, the member's payments, and the processor's webhook."""

import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe
from django_countries import countries

from accounts import ratelimits
from accounts.models import User
from config.lib.doors import MemberRequest, private_page, safe_next, takes
from config.lib.waiting import Full
from payments import catalog, checkout, fulfilment, money, processor, stripe_scripted, webhooks
from payments.base import BadEvent, ProcessorBusy, ProcessorError, UnknownPayment
from payments.catalog import Plan
from payments.forms import CheckoutForm
from payments.models import Purchase, ScriptedSession

EVENT_MAX_BYTES = 1024 * 1024
STATES = {
    Purchase.Status.PAID: "paid",
    Purchase.Status.PENDING: "waiting",
    Purchase.Status.OPEN: "failed",
    Purchase.Status.EXPIRED: "failed",
    Purchase.Status.FAILED: "failed",
    Purchase.Status.REFUNDED: "failed",
    Purchase.Status.DISPUTED: "failed",
}


class SeeOther(HttpResponseRedirect):
    """Go there with a GET: what was asked for by POST is done."""

    status_code = 303


@never_cache
@require_safe
def plans(request: HttpRequest) -> HttpResponse:
    """What can be bought, for everybody."""
    return _plans(request, next_url=request.GET.get("next", ""), chosen=request.GET.get("plan", ""))


@never_cache
@require_POST
def check_out(request: HttpRequest, product_id: str) -> HttpResponse:
    """Go and pay for a plan; by way of signing in, which comes back to the plans."""
    next_url = request.POST.get("next", "")
    if not isinstance(request.user, User):
        return redirect_to_login(_address(product_id, safe_next(request, next_url)))
    form = CheckoutForm(request.POST)
    if not form.is_valid():
        return _plans(request, next_url, error="That page was out of date. Choose again.", status=400)
    try:
        ratelimits.may_check_out(request.user)
        return SeeOther(
            checkout.start(
                request.user,
                product_id,
                click=form.cleaned_data["click"],
                next_url=safe_next(request, form.cleaned_data["next"]),
                country=form.cleaned_data["country"],
                consents=form.cleaned_data["consent"],
            )
        )
    except ratelimits.TooManyRequests as limit:
        response = _plans(
            request, next_url, error="That was a lot of clicks. Wait a minute, then choose again.", status=429
        )
        response["Retry-After"] = str(limit.retry_after)
        return response
    except checkout.PlanChanged:
        error = "The price of that plan has just changed. You weren’t charged. Have a look, and choose again."
        return _plans(request, next_url, error=error, status=409)
    except checkout.UnknownPlan:
        return _plans(request, next_url, error="That plan isn’t on sale any more. Choose another.", status=404)
    except (checkout.CountryMissing, checkout.ConsentMissing) as missing:
        country = form.cleaned_data["country"]
        return _plans(request, next_url, chosen=product_id, missing=type(missing).__name__, country=country, status=400)
    except checkout.CheckoutUnavailable:
        error = "We can’t reach our payment service. You weren’t charged. Try again in a minute."
        response = _plans(request, next_url, error=error, status=503)
        response["Retry-After"] = "60"
        return response
    except checkout.CheckoutRefused:
        error = "Premium can’t be bought right now. You weren’t charged, and we’re told about it."
        return _plans(request, next_url, error=error, status=503)
    except checkout.AlreadyDone as done:
        return SeeOther(f"{reverse('payments:success')}?session_id={done.purchase.session_id}")


@private_page
@require_GET
def success(request: MemberRequest) -> HttpResponse:
    """How a payment went: by what the processor says, not by the address. Asked for again while it is on its way."""
    mine = Purchase.objects.visible_to(request.user).exclude(session_id=None)
    purchase = get_object_or_404(mine, session_id=request.GET.get("session_id", "").replace("\0", ""))
    state, status = STATES[Purchase.Status(purchase.status)], 200
    if purchase.status in (Purchase.Status.OPEN, Purchase.Status.PENDING):
        try:
            ratelimits.may_ask_about_payment(request.user)
            purchase = fulfilment.settle(purchase.pk)
            state = STATES[Purchase.Status(purchase.status)]
        except ProcessorBusy:
            state, status = "waiting", 503
        except (ratelimits.TooManyRequests, ProcessorError, fulfilment.Overtaken, fulfilment.PaymentRefused):
            state = "waiting"  # the webhook or the sweep will know
    user = User.objects.get(pk=request.user.pk)  # the date that the payment just moved
    if not request.accepts("text/html"):
        return _soon(JsonResponse({"state": state, "premium_until": user.premium_until}, status=status))
    if purchase.status in (Purchase.Status.REFUNDED, Purchase.Status.DISPUTED):
        return redirect("payments:account")
    context = {
        "state": state,
        "purchase": purchase,
        "premium_until": user.premium_until,
        "premium_active": user.premium_active,
        "next": safe_next(request, purchase.next_url),
        "scripted_checkout": processor.is_scripted(),
    }
    return _soon(render(request, "payments/success.html", context, status=status))


def _soon(response: HttpResponse) -> HttpResponse:
    """Asked again in a moment, there is more to say, if there was too much to do."""
    if response.status_code == 503:
        response["Retry-After"] = str(Full.retry_after)
    return response


@private_page
@require_safe
def account(request: MemberRequest) -> HttpResponse:
    """Until when premium is on, and every payment."""
    until = request.user.premium_until
    left = max(until - timezone.now(), timedelta()) if until else timedelta()
    begun = [Purchase.Status.OPEN, Purchase.Status.EXPIRED]
    shown = Purchase.objects.visible_to(request.user).exclude(status__in=begun).exclude(session_id=None)
    context = {
        "premium_until": until,
        "premium_active": request.user.premium_active,
        "days_left": -(-left // timedelta(days=1)),  # a day that has begun is one
        "purchases": [_row(purchase) for purchase in shown],
        "scripted_checkout": processor.is_scripted(),
    }
    return render(request, "payments/account_premium.html", context)


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def scripted(request: MemberRequest, session_id: str) -> HttpResponse:
    """The checkout that is only played; it exists where there is no Stripe and DEBUG is on."""
    if not processor.is_scripted():
        raise Http404
    purchase = get_object_or_404(Purchase.objects.visible_to(request.user), session_id=session_id)
    session = get_object_or_404(ScriptedSession, pk=session_id).session
    action, declined, status = request.POST.get("action", ""), False, 200
    if request.method == "POST":
        try:
            event = stripe_scripted.act(session_id, action)
        except stripe_scripted.NotNow:
            status = 409
        except UnknownPayment as error:
            raise Http404 from error
        else:
            if event is not None:
                webhooks.receive(*event)
                if action == "refund":
                    fulfilment.settle(purchase.pk)  # what is shown next does not wait for the worker
                return SeeOther(session["success_url"])
            declined = True
    context = {
        "session": {
            "id": session_id,
            "plan": purchase.title,
            "name": purchase.name,
            "amount": purchase.price,
            "status": stripe_scripted.where(session),
            "cancel_url": session["cancel_url"],
        },
        "declined": declined,
    }
    return render(request, "payments/scripted.html", context, status=status)


@takes(EVENT_MAX_BYTES)
@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Stripe's news: 200 once it is written down. What it means is looked into afterwards."""
    body = request.read(EVENT_MAX_BYTES + 1)
    if len(body) > EVENT_MAX_BYTES:
        return HttpResponse("Too large.", status=413, content_type="text/plain")
    try:
        webhooks.receive(body, request.headers)
    except BadEvent as error:
        webhooks.log.warning("event_refused", reason=str(error))
        return HttpResponse("Not an event.", status=400, content_type="text/plain")
    except ProcessorError:
        raise Http404 from None  # nobody takes money here
    return HttpResponse("Thank you.", content_type="text/plain")


def _plans(
    request: HttpRequest,
    next_url: str,
    *,
    chosen: str = "",
    missing: str = "",
    country: str = "",
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    """The plans. What must be said before paying is asked at the `chosen` one; `missing` names what was not."""
    next_url = safe_next(request, next_url)
    on_sale = catalog.current()
    user = request.user if isinstance(request.user, User) else None
    premium_active = bool(user and user.premium_active)
    premium_until = user.premium_until if user else None
    context = {
        "plans": [_card(plan, premium_until if premium_active else None, next_url) for plan in on_sale.plans],
        "plans_from": _price(min(on_sale.plans, key=lambda plan: plan.amount)) if on_sale.plans else "",
        "chosen": chosen,
        "must_say_more": user is not None and checkout.must_say_more(user),
        "missing": missing,
        "country": country,
        "countries": [(code, name, code in checkout.WITHDRAWAL) for code, name in countries] if chosen else [],
        "premium_until": premium_until,
        "premium_active": premium_active,
        "next": next_url,
        "click": uuid.uuid4(),
        "free_text": settings.FREE_TEXT,
        "stale": on_sale.is_stale and not on_sale.is_unavailable,
        "unavailable": on_sale.is_unavailable,
        "refused": on_sale.is_refused,
        "scripted_checkout": processor.is_scripted(),
        "error": error,
    }
    if on_sale.is_unavailable and status == 200:
        status = 503
    return render(request, "payments/plans.html", context, status=status)


def _price(plan: Plan) -> str:
    return money.formatted(plan.amount, plan.currency)


def _address(product_id: str, next_url: str) -> str:
    """Of the plans, with this one chosen."""
    return f"{reverse('payments:plans')}?{urlencode({'plan': product_id} | ({'next': next_url} if next_url else {}))}"


def _card(plan: Plan, premium_until: Any, next_url: str) -> dict[str, Any]:
    return {
        "url": _address(plan.product_id, next_url),
        "product_id": plan.product_id,
        "name": plan.name,
        "description": plan.description,
        "features": plan.features,
        "price": _price(plan),
        "per_day": f"{money.formatted(money.per_day(plan.amount, plan.duration_days), plan.currency)} a day",
        "duration_days": plan.duration_days,
        "is_pick": plan.is_pick,
        "extends_until": premium_until + timedelta(days=plan.duration_days) if premium_until else None,
    }


def _row(purchase: Purchase) -> dict[str, Any]:
    return {
        "name": purchase.title,
        "order": purchase.order,
        "session_id": purchase.session_id,
        "amount": purchase.price,
        "date": purchase.paid_at or purchase.created_at,
        "status": purchase.status,
        "status_label": purchase.status_label,
        "receipt_url": purchase.receipt_url,
        "method": purchase.method,
    }
