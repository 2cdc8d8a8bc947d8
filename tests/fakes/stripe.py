"""Stripe, played by a small real HTTP server that speaks its wire format and remembers what happened.

It is strict where Stripe is: unknown parameters, reused idempotency keys and foreign keys are refused. It signs
events and keeps them in `post`, whence a test delivers them: once, twice, in any order, late or never.
"""

import json
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict
from urllib.parse import parse_qsl, unquote, urlsplit

import stripe
from stripe.params import _dispute_list_params, _product_list_params
from stripe.params.checkout import _session_create_params, _session_list_params, _session_retrieve_params

from tests.fakes.listening import Server

KEY = "sk_test_fake"
LIVE_KEY = "sk_live_fake"
SECRET = "whsec_fake"
HOURS = 3600

PARAMS = {
    "POST /v1/checkout/sessions": (_session_create_params, "SessionCreateParams"),
    "GET /v1/checkout/sessions": (_session_list_params, "SessionListParams"),
    "GET /v1/checkout/sessions/{id}": (_session_retrieve_params, "SessionRetrieveParams"),
    "GET /v1/products": (_product_list_params, "ProductListParams"),
    "GET /v1/disputes": (_dispute_list_params, "DisputeListParams"),
}
OPTIONS = {"api_key", "stripe_version", "stripe_account", "max_network_retries", "idempotency_key", "headers"}


class Refusal(Exception):
    """An error the way Stripe words it."""

    def __init__(self, status: int, message: str, *, code: str = "", param: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.error = {
            "type": kind or "invalid_request_error",
            "code": code or None,
            "param": param or None,
            "message": message,
        }


@dataclass(frozen=True)
class Letter:
    """An event, signed and ready to be delivered."""

    type: str
    body: bytes
    signature: str


class Post:
    """Events that were sent and have not arrived."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def deliver(
        self,
        to: Callable[[Letter], Any],
        *,
        times: int = 1,
        backwards: bool = False,
        shuffled: random.Random | None = None,
    ) -> list[Any]:
        """Hand over everything that waits, each letter so many times; what the door said to each."""
        letters = self.letters * times
        self.letters = []
        if backwards:
            letters.reverse()
        if shuffled:
            shuffled.shuffle(letters)
        return [to(letter) for letter in letters]

    def drop(self) -> None:
        """What waits never arrives."""
        self.letters = []


class FakeStripe:
    """The state behind the API, the hands of the payer and of the merchant, and switches for faults."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.livemode = False
        self.products: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}  # payment intent: its dispute
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.post = Post()
        self.signs_with = [SECRET]
        self.instead: list[tuple[int, str]] = []  # (status, body) to answer with first
        self.is_down = False
        self.before_answering: Callable[[str], None] = lambda route: None
        self._answers: dict[str, tuple[dict[str, Any], int, dict[str, Any]]] = {}  # by idempotency key
        self._busy = threading.RLock()

    # --- What the merchant set up -----------------------------------------------------------------

    def add_product(
        self, product_id: str = "prod_30", *, days: Any = 30, amount: int | None = 2999, **changes: Any
    ) -> dict[str, Any]:
        """A product with a price; `changes` go to the product, those in `price=` to the price."""
        price = {
            "id": product_id.replace("prod_", "price_"),
            "object": "price",
            "active": True,
            "type": "one_time",
            "currency": "usd",
            "unit_amount": amount,
            "product": product_id,
            **changes.pop("price", {}),
        }
        product = {
            "id": product_id,
            "object": "product",
            "active": True,
            "name": f"{days} days",
            "description": None,
            "marketing_features": [{"name": "Unlimited messages"}],
            "metadata": {"duration_days": str(days)},
            "default_price": price,
            "livemode": self.livemode,
            **changes,
        }
        self.products[product_id] = product
        return product

    # --- What the payer does ------------------------------------------------------------------------

    def pay(self, session_id: str, *, coupon: int = 0) -> None:
        """Pay by card; a coupon of so many per cent."""
        session = self._open(session_id)
        self._complete(session, "succeeded", coupon=coupon)
        self._tell("checkout.session.completed", session)

    def pay_later(self, session_id: str) -> None:
        """Choose a bank debit: it arrives in some days, or does not."""
        session = self._open(session_id)
        self._complete(session, "processing")
        self._tell("checkout.session.completed", session)

    def money_arrives(self, session_id: str) -> None:
        """The bank debit succeeded."""
        session = self._pending(session_id)
        self._complete(session, "succeeded")
        self._tell("checkout.session.async_payment_succeeded", session)

    def money_stays_away(self, session_id: str) -> None:
        """The bank debit failed."""
        session = self._pending(session_id)
        session["payment_intent"]["status"] = "requires_payment_method"
        self._tell("checkout.session.async_payment_failed", session)

    def expire(self, session_id: str) -> None:
        """Nobody paid in time."""
        session = self._open(session_id)
        session.update(status="expired", url=None)
        self._tell("checkout.session.expired", session)

    # --- What the merchant and the banks do ------------------------------------------------------------

    def refund(self, session_id: str, amount: int | None = None) -> None:
        """Give back so much, or what is left."""
        charge = self.charge(session_id)
        left = charge["amount"] - charge["amount_refunded"]
        charge["amount_refunded"] += left if amount is None else min(amount, left)
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._tell("charge.refunded", charge)
        self._tell("refund.created", self._refund_of(charge, "succeeded"))

    def refund_fails(self, session_id: str) -> None:
        """The payer's bank sends all refunds back."""
        charge = self.charge(session_id)
        charge.update(amount_refunded=0, refunded=False)
        self._tell("refund.failed", self._refund_of(charge, "failed"))

    def dispute(self, session_id: str, status: str = "needs_response") -> None:
        """The payer disputes, or the dispute goes on to `status`."""
        charge = self.charge(session_id)
        charge["disputed"] = charge["disputed"] or not status.startswith("warning_")
        intent = charge["payment_intent"]
        is_new = intent not in self.disputes
        dispute = self.disputes.setdefault(
            intent, {"id": f"dp_{secrets.token_hex(8)}", "object": "dispute", "payment_intent": intent}
        )
        dispute.update(status=status, charge=charge["id"])
        over = status in ("won", "lost", "prevented", "warning_closed")
        self._tell(f"charge.dispute.{'created' if is_new else 'closed' if over else 'updated'}", dispute)

    def charge(self, session_id: str) -> dict[str, Any]:
        """The money that moved."""
        return self.sessions[session_id]["payment_intent"]["latest_charge"]

    # --- Events ---------------------------------------------------------------------------------------

    def letter(self, kind: str, subject: dict[str, Any], **changes: Any) -> Letter:
        """A signed event; `changes` go to the event."""
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "type": kind,
            "livemode": self.livemode,
            "created": int(time.time()),
            "data": {"object": subject},
            **changes,
        }
        return self.signed(json.dumps(event).encode(), kind)

    def signed(self, body: bytes, kind: str = "", *, age: int = 0) -> Letter:
        """Any bytes, signed `age` seconds ago with all the secrets in use."""
        at = int(time.time()) - age
        sign = stripe.WebhookSignature.generate_signature_header
        headers = [sign(body.decode(errors="replace"), secret, at) for secret in self.signs_with]
        signature = ",".join([f"t={at}", *(header.split(",", 1)[1] for header in headers)])
        return Letter(kind, body, signature)

    def _tell(self, kind: str, subject: dict[str, Any]) -> None:
        flat = {**subject}
        if isinstance(flat.get("payment_intent"), dict):
            flat["payment_intent"] = flat["payment_intent"]["id"]  # events expand nothing
        self.post.letters.append(self.letter(kind, flat))

    # --- The API --------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, params: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        route, found = self._route(method, path)
        self._check_parameters(route, params)
        with self._busy:
            self.requests.append((method, path, params))
            if key and key in self._answers:
                earlier, status, body = self._answers[key]
                if earlier != params:
                    raise Refusal(400, "Keys for idempotent requests…", kind="idempotency_error")
                return status, body
            body = getattr(self, f"_{method.lower()}_{'_'.join(re.findall('[a-z]+', route.split('/v1/')[1]))}")(
                *found, params
            )
            if key:
                self._answers[key] = (params, 200, json.loads(json.dumps(body)))
            return 200, body

    def count(self, method: str, path: str) -> int:
        """How often this was asked for."""
        return sum((method, path) == request[:2] for request in self.requests)

    def _route(self, method: str, path: str) -> tuple[str, list[str]]:
        parts = path.strip("/").split("/")
        if parts[:3] == ["v1", "checkout", "sessions"] and len(parts) == 4:
            return f"{method} /v1/checkout/sessions/{{id}}", [unquote(parts[3])]
        return f"{method} {path}", []

    def _check_parameters(self, route: str, params: dict[str, Any]) -> None:
        if route not in PARAMS:
            raise Refusal(404, f"Unrecognized request URL ({route}).")
        module, name = PARAMS[route]
        _check(params, getattr(module, name), vars(module), "")

    def _post_checkout_sessions(self, params: dict[str, Any]) -> dict[str, Any]:
        now = int(time.time())
        lines = list(params["line_items"].values())
        prices = {p["default_price"]["id"]: p["default_price"] for p in self.products.values() if p["default_price"]}
        for line in lines:
            if line["price"] not in prices or not prices[line["price"]]["active"]:
                raise Refusal(400, f"No such price: '{line['price']}'", code="resource_missing", param="line_items")
        if not 30 * 60 <= int(params["expires_at"]) - now + 60 <= 24 * HOURS:
            raise Refusal(
                400, "The `expires_at` timestamp must be between 30 minutes and 24 hours.", param="expires_at"
            )
        if params["mode"] != "payment" or not params["success_url"].startswith("http"):
            raise Refusal(400, "Not what this fake is for.", param="mode")
        total = sum(prices[line["price"]]["unit_amount"] * int(line["quantity"]) for line in lines)
        session_id = f"cs_test_{secrets.token_hex(16)}"
        session = {
            "id": session_id,
            "object": "checkout.session",
            "mode": "payment",
            "livemode": self.livemode,
            "status": "open",
            "payment_status": "unpaid",
            "url": f"https://checkout.stripe.com/c/pay/{session_id}",
            "success_url": params["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id),
            "cancel_url": params.get("cancel_url"),
            "client_reference_id": params.get("client_reference_id"),
            "customer_email": params.get("customer_email"),
            "customer_details": {"email": params.get("customer_email"), "name": "SECRET PAYER"},
            "metadata": params.get("metadata", {}),
            "line_items": {
                "object": "list",
                "data": [
                    {"object": "item", "price": prices[line["price"]], "quantity": int(line["quantity"])}
                    for line in lines
                ],
            },
            "currency": prices[lines[0]["price"]]["currency"],
            "amount_subtotal": total,
            "amount_total": total,
            "total_details": {"amount_discount": 0, "amount_tax": 0, "amount_shipping": 0},
            "created": now,
            "expires_at": int(params["expires_at"]),
            "payment_intent": None,
        }
        self.sessions[session_id] = session
        return self._shown(session, set())

    def _get_checkout_sessions_id(self, session_id: str, params: dict[str, Any]) -> dict[str, Any]:
        if session_id not in self.sessions:
            raise Refusal(404, f"No such checkout.session: {session_id}", code="resource_missing", param="session")
        return self._shown(self.sessions[session_id], set(params.get("expand", {}).values()))

    def _get_checkout_sessions(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params["payment_intent"]
        found = [s for s in self.sessions.values() if s["payment_intent"] and s["payment_intent"]["id"] == wanted]
        return _list([self._shown(session, set()) for session in found], "/v1/checkout/sessions")

    def _get_products(self, params: dict[str, Any]) -> dict[str, Any]:
        expanded = "data.default_price" in params.get("expand", {}).values()
        products = [p for p in self.products.values() if p["active"] or params.get("active") != "true"]
        shown = [
            p if expanded or not p["default_price"] else {**p, "default_price": p["default_price"]["id"]}
            for p in products
        ]
        return _list(shown, "/v1/products")

    def _get_disputes(self, params: dict[str, Any]) -> dict[str, Any]:
        found = [d for intent, d in self.disputes.items() if intent == params.get("payment_intent")]
        return _list(found, "/v1/disputes")

    def _shown(self, session: dict[str, Any], expand: set[str]) -> dict[str, Any]:
        shown = json.loads(json.dumps(session))
        if "line_items" not in expand:
            del shown["line_items"]
        intent = shown["payment_intent"]
        if intent and not any(path.startswith("payment_intent") for path in expand):
            shown["payment_intent"] = intent["id"]
        elif intent and intent["latest_charge"] and "payment_intent.latest_charge" not in expand:
            intent["latest_charge"] = intent["latest_charge"]["id"]
        return shown

    def _open(self, session_id: str) -> dict[str, Any]:
        session = self.sessions[session_id]
        assert session["status"] == "open", "Stripe's page is closed"
        return session

    def _pending(self, session_id: str) -> dict[str, Any]:
        session = self.sessions[session_id]
        assert session["payment_status"] == "unpaid"
        assert session["status"] == "complete"
        return session

    def _complete(self, session: dict[str, Any], status: str, *, coupon: int = 0) -> None:
        discount = session["amount_subtotal"] * coupon // 100
        total = session["amount_subtotal"] - discount
        paid = status == "succeeded"
        session.update(
            status="complete",
            url=None,
            payment_status=("paid" if total else "no_payment_required") if paid else "unpaid",
            amount_total=total,
            total_details={"amount_discount": discount, "amount_tax": 0, "amount_shipping": 0},
        )
        if not total:
            return
        intent_id = session["id"].replace("cs_test_", "pi_")
        charge = {
            "id": intent_id.replace("pi_", "ch_"),
            "object": "charge",
            "payment_intent": intent_id,
            "amount": total,
            "amount_refunded": 0,
            "refunded": False,
            "disputed": False,
            "receipt_url": f"https://pay.stripe.com/receipts/{intent_id}",
            "billing_details": {"name": "SECRET PAYER"},
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242", "wallet": None}},
        }
        session["payment_intent"] = {
            "id": intent_id,
            "object": "payment_intent",
            "status": status,
            "metadata": session["metadata"],
            "latest_charge": charge if paid else None,
        }

    def _refund_of(self, charge: dict[str, Any], status: str) -> dict[str, Any]:
        return {
            "id": f"re_{secrets.token_hex(8)}",
            "object": "refund",
            "status": status,
            "charge": charge["id"],
            "payment_intent": charge["payment_intent"],
        }


def _check(value: Any, kind: Any, names: dict[str, Any], path: str) -> None:
    """Refuse parameters that the library's own declarations do not know, however deep."""
    if get_origin(kind) is Union:
        kinds = [one for one in get_args(kind) if is_typeddict(one) or get_origin(one) in (dict, list)]
        if not isinstance(value, dict) or not kinds:
            return
        kind = kinds[0]
    if get_origin(kind) is list and isinstance(value, dict):
        for number, item in value.items():
            _check(item, get_args(kind)[0], names, f"{path}[{number}]")
    elif is_typeddict(kind) and isinstance(value, dict):
        hints = get_type_hints(kind, globalns={**names, "Literal": Literal, "Union": Union})
        for name, item in value.items():
            inner = f"{path}[{name}]" if path else name
            if name not in hints or (not path and name in OPTIONS):
                raise Refusal(400, f"Received unknown parameter: {inner}", code="parameter_unknown", param=inner)
            _check(item, hints[name], names, inner)


def _list(items: list[Any], url: str) -> dict[str, Any]:
    return {"object": "list", "data": items, "has_more": False, "url": url}


def _nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=c` as {"a": {"b": {"0": "c"}}}."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+", name)
        branch, last = tree, first
        for part in rest:
            branch, last = branch.setdefault(last, {}), part
        branch[last] = value
    return tree


@contextmanager
def stripe_server() -> Iterator[FakeStripe]:
    """Serve on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer is one packet; in two, the second would wait 40 ms for an acknowledgement

        def do_GET(self) -> None:
            self.reply(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self.reply(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

        def reply(self, form: str) -> None:
            path = urlsplit(self.path).path
            fake.before_answering(f"{self.command} {path}")
            if fake.is_down:
                return self.send(500, json.dumps({"error": {"type": "api_error", "message": "Down."}}))
            if fake.instead:
                return self.send(*fake.instead.pop(0))
            try:
                if self.headers.get("Authorization") not in (f"Bearer {KEY}", f"Bearer {LIVE_KEY}"):
                    raise Refusal(401, "Invalid API Key provided.")
                params = _nested(parse_qsl(form, keep_blank_values=True))
                key = self.headers.get("Idempotency-Key", "") if self.command == "POST" else ""
                status, body = fake.answer(self.command, path, params, key)
            except Refusal as refusal:
                status, body = refusal.status, {"error": refusal.error}
            self.send(status, json.dumps(body))

        def send(self, status: int, body: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Request-Id", "req_fake")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        fake = FakeStripe(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
