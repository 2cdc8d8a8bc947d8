"""What the rows say about replies and mails, for Prometheus and for /readyz."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Q, Sum
from django.db.models.functions import Now
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from accounts.models import Mail
from chat.models import Reply

LATE_SECONDS = 30  # two sweeps: a reply that nobody took for so long says that the worker or beat is gone
WINDOW = timedelta(minutes=5)
SINCE = ExpressionWrapper(Now() - F("created_at"), DurationField())  # how long a row has been there
BUCKETS_MS = (100, 250, 500, 1000, 2000, 3000, 5000, 10_000, 20_000, 40_000, 60_000)


def replies_are_late() -> bool:
    """Whether a reply has waited unclaimed, or lain with a dead worker, for longer than two sweeps take."""
    return Reply.objects.due(timedelta(seconds=LATE_SECONDS)).exists()


class RepliesCollector(Collector):
    """What the Reply rows say at the moment of the scrape, in two queries.

    Web and workers are many processes that come and go; the rows are the one place that knows them all.
    Figures of finished replies cover the last five minutes: they are gauges, to be shown as they are.
    """

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Replies owed and the oldest of them; finished ones by provider with tokens and latency."""
        owed = GaugeMetricFamily("dusk_replies_owed", "Replies not yet done.", labels=["state"])
        counts = {state.value: 0 for state in Reply.OWED}
        oldest = timedelta(0)
        for row in Reply.objects.owed().values("state").annotate(n=Count("pk"), longest=Max(SINCE)):
            counts[row["state"]] = row["n"]
            oldest = max(oldest, row["longest"])
        for state, n in counts.items():
            owed.add_metric([state], n)
        yield owed
        age = oldest.total_seconds()
        yield GaugeMetricFamily("dusk_queue_age_seconds", "Age of the oldest reply owed; 0 when none is.", value=age)
        yield from self._finished()

    def _finished(self) -> Iterator[Metric]:
        labels = ["provider", "model"]
        finished = GaugeMetricFamily("dusk_replies_finished", "In five minutes.", labels=[*labels, "state"])
        tokens = GaugeMetricFamily("dusk_llm_tokens", "In five minutes.", labels=[*labels, "direction"])
        latencies = {
            field: GaugeHistogramMetricFamily(name, "Of replies done in five minutes, from claim.", labels=labels)
            for field, name in (
                ("first_token_ms", "dusk_llm_first_token_seconds"),
                ("total_ms", "dusk_llm_total_seconds"),
            )
        }
        figures: dict[str, Any] = {"n": Count("pk"), "tin": Sum("tokens_in"), "tout": Sum("tokens_out")}
        for field in latencies:
            figures[f"{field}_n"] = Count(field)
            figures[f"{field}_sum"] = Sum(field)
            figures |= {f"{field}_{b}": Count("pk", filter=Q(**{f"{field}__lte": b})) for b in BUCKETS_MS}
        rows = Reply.objects.filter(finished_at__gte=Now() - WINDOW).values("provider", "model", "state")
        ended: Any = rows.annotate(**figures)
        spent: Counter[tuple[str, ...]] = Counter()  # over all states
        for row in ended.order_by("provider", "model", "state"):
            who = (row["provider"] or "none", row["model"] or "none")
            finished.add_metric([*who, row["state"]], row["n"])
            spent[*who, "in"] += row["tin"] or 0
            spent[*who, "out"] += row["tout"] or 0
            if row["state"] != Reply.State.DONE:
                continue
            for field, family in latencies.items():
                buckets = [(str(b / 1000), row[f"{field}_{b}"]) for b in BUCKETS_MS]
                buckets.append(("+Inf", row[f"{field}_n"]))
                family.add_metric(who, buckets, (row[f"{field}_sum"] or 0) / 1000)
        for whose, n in spent.items():
            tokens.add_metric(whose, n)
        yield from (finished, tokens, *latencies.values())


class MailsCollector(Collector):
    """What the Mail rows say, in two queries: those of the last days that wait, and that were not or perhaps sent."""

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Mails by state, but those that were sent; and how long the longest owed has waited."""
        waiting = Mail.objects.owed().aggregate(n=Count("pk"), longest=Max(SINCE))
        unsent = Mail.objects.filter(due_at=None, sent_at=None).aggregate(
            failed=Count("pk", filter=Q(handed_at=None)), unclear=Count("pk", filter=Q(handed_at__isnull=False))
        )
        mails = GaugeMetricFamily("dusk_mails", "Mails that wait, or that ended unsent.", labels=["state"])
        for state, n in {"waiting": waiting["n"], **unsent}.items():
            mails.add_metric([state], n)
        yield mails
        age = (waiting["longest"] or timedelta(0)).total_seconds()
        yield GaugeMetricFamily("dusk_mail_age_seconds", "Age of the oldest mail owed; 0 when none is.", value=age)


REPLIES = CollectorRegistry()
REPLIES.register(RepliesCollector())
REPLIES.register(MailsCollector())
