"""The folded words again: the search compares more of what people mean alike than it did."""

from django.db import migrations
from django.utils.text import slugify

from config.lib.text import fold


def fold_again(apps, schema_editor):
    Girl = apps.get_model("girls", "Girl")
    for girl in Girl.objects.only("name", "tagline", "tags", "bio").iterator():
        girl.search_text = fold(" ".join([girl.name, girl.tagline, *girl.tags, girl.bio]))
        keys = "".join(f"|{slugify(fold(tag), allow_unicode=True)}" for tag in girl.tags)
        girl.tag_keys = keys + "|" if keys else ""
        girl.save(update_fields=["search_text", "tag_keys"])


class Migration(migrations.Migration):
    dependencies = [("girls", "0002_her_work")]
    operations = [migrations.RunPython(fold_again, migrations.RunPython.noop, elidable=True)]
