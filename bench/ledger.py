"""What it takes to hand out the book of payments: `python -m bench.ledger [PURCHASES]`.

The CSV and the sums by month, as the console makes them, in this process, on a PostgreSQL of its own: seconds, bytes,
and how much more memory the process had at its worst than before.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.export import measured
from bench.resetting import set_up
from tests.servers import postgres, provide


def main(purchases: int) -> None:
    """Fill, write, and print."""
    provide(["postgres"])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dusk-bench-")))
        folder.chmod(0o755)
        set_up(stack.enter_context(postgres(folder)), "")
        os.environ["REDIS_URL"] = ""
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        export(1000)  # so that what is loaded once is not counted
        print(f"{purchases:,} purchases")
        for line in export(purchases):
            print(f"  {line}")


def export(purchases: int) -> list[str]:
    """So many in the book; what the CSV and the sums took."""
    from django.db import connection

    from config.lib import spreadsheet
    from config.lib.database import patiently
    from payments import ledger
    from payments.models import Purchase

    with patiently(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {Purchase._meta.db_table}")
        cursor.execute(
            f"INSERT INTO {Purchase._meta.db_table} (id, pseudonym, click, session_id, payment_intent_id, product_id,"
            " price_id, name, duration_days, features, amount, currency, amount_total, amount_refunded, status,"
            " problem, method, receipt_url, next_url, created_at, expires_at, paid_at, revision, snapshot, attempts)"
            " SELECT gen_random_uuid(), '', gen_random_uuid(), 'cs_' || n, 'pi_' || n, 'prod_30', 'price_30', '',"
            " 30, '[]', 2999, 'usd', 2999, 0, 'paid', '', 'Visa •• 4242', '', '', now() - n * interval '7 minutes',"
            " now(), now() - n * interval '7 minutes', 0, jsonb_build_object('words', repeat('x', 3000)), 0"
            " FROM generate_series(1, %s) n",
            [purchases],
        )
        cursor.execute("ANALYZE")
    size = 0

    def write() -> None:
        nonlocal size
        size = sum(
            len(part.encode()) for part in spreadsheet.rows(ledger.COLUMNS, ledger.lines(Purchase.objects.all()))
        )

    made, cpu, more = measured(write)
    summed, _, _ = measured(lambda: (ledger.by_month(), ledger.altogether()))
    csv: Any = f"CSV: {made:.1f} s ({cpu:.1f} s of a core), {size / 1e6:.1f} MB, {more:.1f} MB more memory at most"
    return [csv, f"sums by month: {summed * 1000:.0f} ms"]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
