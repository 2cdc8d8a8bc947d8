"""The demo's photos: drawings made into files, and put up the way every photo is, so that the pipeline really runs."""

import re
import threading
import tomllib
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import resvg_py
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from config.lib import bells
from girls.models import Girl, Media
from girls.purposes import MEDIA
from media.models import Kind, Upload
from media.storage import store

PICTURES = Path(__file__).with_name("pictures.toml")
SURFACES = {"gallery": Media.Surface.GALLERY, "posts": Media.Surface.POST, "assets": Media.Surface.ASSET}
LONGER_SIDE = 800  # pixels: a drawing takes some 60 ms in this size, and twice that in the next
CUTS = {  # left, top, width, height: of the drawing's width and height
    "square": (0.0, 0.0, 1.0, 1.0),
    "tall": (0.1, 0.0, 0.8, 1.0),
    "left": (0.0, 0.0, 0.75, 0.94),
    "right": (0.25, 0.06, 0.75, 0.94),
    "high": (0.15, 0.0, 0.64, 0.8),
    "low": (0.2, 0.25, 0.6, 0.75),
    "close": (0.3, 0.3, 0.54, 0.68),
    "wide": (0.0, 0.2, 1.0, 0.75),
}
FACES = {"tall": (0.0, 0.0, 1.0, 1.0), "close": (0.16, 0.08, 0.68, 0.64)}  # portraits are cut by where the face is
LIGHTS = {  # a colour that all others are drawn towards, and how far
    "plain": ("#808080", 0.0),
    "gold": ("#F2B155", 0.22),
    "rose": ("#D6568F", 0.2),
    "pale": ("#FFF6EC", 0.3),
    "blue": ("#3E6FB0", 0.32),
    "dusk": ("#3A2152", 0.36),
    "forest": ("#3F8F6B", 0.26),
}
COLOUR = re.compile(r"#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})\b")

_stopping = threading.Event()
bells.before_stopping(_stopping.set)


class Picture(NamedTuple):
    """One picture of a character, before it is drawn."""

    surface: Media.Surface
    art: str
    days_ago: float
    fields: dict[str, Any]  # of Media


def pictures_of(slug: str) -> list[Picture]:
    """What a character shows, in the order of her pages."""
    hers = tomllib.loads(PICTURES.read_text(encoding="utf-8")).get(slug, {})
    return [
        Picture(surface, entry.pop("art"), entry.pop("days_ago", 0.0), {**entry, "position": position})
        for name, surface in SURFACES.items()
        for position, entry in enumerate(hers.get(name, []), 1)
    ]


def draw() -> list[str]:
    """Draw and put up what the demo's characters show, of those who show nothing yet. Answers whose.

    What an editor added or took away stays so. Stopped in the middle, the next call goes on with the next character.
    Raises StorageUnavailable.
    """
    drawn = []
    for girl in Girl.objects.exclude(demo_art=""):
        if not _has_pictures(girl) and _put_up(girl, pictures_of(girl.demo_art)):
            drawn.append(girl.name)
    return drawn


def _has_pictures(girl: Girl) -> bool:
    return girl.media.exists() or Upload.objects.filter(purpose=MEDIA.name, target__girl=girl.pk).exists()


def _put_up(girl: Girl, pictures: list[Picture]) -> bool:
    """All of hers: first into the storage, then the rows, all at once."""
    owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if owner is None or not pictures:
        return False
    uploads = []
    for picture in pictures:
        if _stopping.is_set():
            return False
        upload = _upload(girl, owner, picture)
        store().put(upload.key, BytesIO(drawing(girl.demo_art, picture.art)), content_type=upload.content_type)
        uploads.append(upload)
    with transaction.atomic():
        there = Girl.objects.select_for_update(of=("self",), no_key=True).filter(pk=girl.pk).first()
        if there is None or _has_pictures(there):
            return False  # what lies in the storage for nothing is swept
        Upload.objects.bulk_create(uploads)
        bells.ring(Upload.TASK, uploads[0].pk)  # whoever hears it sees to all
    return True


def _upload(girl: Girl, owner: User, picture: Picture) -> Upload:
    target = {"girl": girl.pk, "surface": picture.surface}
    folder, target = MEDIA.allow(owner, target)
    fields = {"publish": True, **picture.fields}
    if picture.days_ago:
        fields["published_at"] = (timezone.now() - timedelta(days=picture.days_ago)).isoformat()
    return Upload(
        owner=owner,
        purpose=MEDIA.name,
        target={**target, "fields": fields},
        folder=folder,
        kind=Kind.IMAGE,
        name=f"{picture.art.replace(' ', '-')}.png",
        content_type="image/png",
        max_bytes=MEDIA.max_bytes(Kind.IMAGE),
        state=Upload.State.ARRIVED,
        due_at=Now(),
    )


def drawing(slug: str, art: str) -> bytes:
    """A drawing of static/demo as PNG, cut and lit as `art` says: "coffee close gold flipped"."""
    scene, cut, light, *flipped = art.split()
    mine = scene == "me"
    svg = (settings.BASE_DIR / "static" / "demo" / f"{slug if mine else f's-{scene}'}.svg").read_text(encoding="utf-8")
    towards, share = LIGHTS[light]
    svg = COLOUR.sub(lambda found: _lit(found[1], towards, share / 2 if mine else share), svg)  # skin is skin
    box = re.search(r'viewBox="([\d. ]+)"', svg)
    assert box is not None
    x, y, width, height = map(float, box[1].split())
    left, top, across, down = (FACES if mine else CUTS)[cut]
    if flipped:
        svg = re.sub(r"(<svg[^>]*>)", rf'\1<g transform="translate({2 * x + width} 0) scale(-1 1)">', svg, count=1)
        svg = svg.replace("</svg>", "</g></svg>")
    x, y, width, height = x + left * width, y + top * height, across * width, down * height
    svg = svg.replace(box[0], f'viewBox="{x:g} {y:g} {width:g} {height:g}"', 1)
    scale = LONGER_SIDE / max(width, height)
    wide, high = round(width * scale), round(height * scale)
    return resvg_py.svg_to_bytes(svg_string=svg, width=wide, height=high, skip_system_fonts=True)


def _lit(colour: str, towards: str, share: float) -> str:
    """A colour in another light: mixed with that of the light."""
    whole = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    mixed = zip(_parts(whole), _parts(towards.removeprefix("#")), strict=True)
    return "#" + "".join(f"{round(own + (light - own) * share):02x}" for own, light in mixed)


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (0, 2, 4)]
