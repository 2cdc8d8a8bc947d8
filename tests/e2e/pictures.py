"""Characters whose pictures are really there: made by the pipeline, on the disk that the server shows them from."""

import io
from typing import Any

from PIL import Image, ImageDraw

from girls.models import Girl, Media
from girls.purposes import MEDIA
from media import images
from media.models import File, key_of
from media.storage import store
from tests.factories import FileFactory, MediaFactory


def drawing(number: int) -> io.BytesIO:
    """A picture unlike the others: a band of colour for each bit of its number."""
    picture = Image.new("RGB", (400, 500), (40 + number * 37 % 200, 60, 90 + number * 53 % 160))
    for bit in range(8):
        if number >> bit & 1:
            ImageDraw.Draw(picture).rectangle((50 * bit, 100, 50 * bit + 40, 400), (250, 220, 180))
    out = io.BytesIO()
    picture.save(out, "JPEG")
    out.seek(0)
    return out


def put_up(girl: Girl, number: int, **fields: Any) -> Media:
    """One more picture of hers, in all its variants."""
    file: File = FileFactory.build(folder=f"girls/{girl.pk}/media")
    variants: dict[str, Any] = {}
    made = images.make(drawing(number), MEDIA.variants, ai_generated=True)
    for picture in made.pictures:
        key = key_of(file.folder, file.pk, picture.variant, picture.extension)
        store().put(key, io.BytesIO(picture.data), content_type=picture.content_type)
        variants.setdefault(picture.variant, {"w": picture.width, "h": picture.height})[picture.extension] = 1
    file.variants, file.blur, file.width, file.height = variants, made.blur, 400, 500
    file.save()
    return MediaFactory(girl=girl, file=file, position=number, **{"text": f"Picture {number}", **fields})


def take_away(girl: Girl) -> None:
    """Remove them again, rows and objects, and hide her: no page of another journey shows what is not there."""
    Girl.objects.filter(pk=girl.pk).update(is_active=False)  # two dozen of her, and the demo's are on the next page
    files = [media.file for media in girl.media.select_related("file")]
    girl.media.all().delete()
    for file in files:
        store().delete(file.all_keys())
