"""What members leave with characters: likes. Who of the staff made one."""

import json
from collections.abc import Iterator

from django.db import transaction

from accounts.models import User
from config.lib.privacy import ALL, ROWS, Document, Fate
from girls import liking
from girls.models import Block, Girl, Like

TABLES = {
    "girls.Like": Fate("likes.json"),
    "girls.Block": Fate("blocks.json"),
    "girls.Girl": Fate(why="Characters are the site’s; it forgets who made one.", blanks=("created_by",), keeps=ALL),
    "girls.HistoricalGirl": Fate(
        why="What a character said once is the site’s; it forgets who wrote it.", blanks=("history_user",), keeps=ALL
    ),
}


def export(user: User) -> Iterator[Document]:
    """What they liked, and whom they want to see no more of."""
    likes = Like.objects.filter(user=user).select_related("media__girl").order_by("created_at")
    found = [
        {
            "character": like.media.girl.name,
            "kind": like.media.kind,
            "caption": like.media.text,
            "liked_at": like.created_at.isoformat(),
        }
        for like in likes.iterator()
    ]
    yield Document("likes.json", [json.dumps(found, ensure_ascii=False, indent=2)])
    blocks = Block.objects.filter(user=user).select_related("girl").order_by("created_at")
    blocked = [{"character": block.girl.name, "blocked_at": block.created_at.isoformat()} for block in blocks]
    yield Document("blocks.json", [json.dumps(blocked, ensure_ascii=False, indent=2)])


def erase(user: User) -> Iterator[None]:
    """Their likes, which then are not counted any more."""
    mine = Like.objects.filter(user=user)
    while items := list(mine.order_by("media").values_list("media", flat=True)[:ROWS]):
        with transaction.atomic():
            liking.lock(items)
            mine.filter(media__in=items).delete()
            liking.recount(items)
        yield
    Block.objects.filter(user=user).delete()
    Girl.objects.filter(created_by=user).update(created_by=None)
    Girl.history.filter(history_user=user).update(history_user=None)
    yield
