from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments import catalog


class Command(BaseCommand):
    help = "Ask the payment processor for its products now, and say which of them cannot be sold."

    def handle(self, *args: Any, **options: Any) -> None:
        row = catalog.refresh()
        if row.error:
            raise CommandError(f"The catalog was not refreshed. {row.error}")
        self.stdout.write(f"{len(row.plans)} plans on sale, {len(row.unsellable)} products that cannot be sold.")
        for product in row.unsellable:
            self.stdout.write(f"  {product['product_id']} {product['name']}: {product['reason']}")
