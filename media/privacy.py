"""Files that members put up of themselves. What staff put up of characters is the site's."""

from collections.abc import Iterator

from accounts.models import User
from config.lib.privacy import ALL, Document, Fate, delete
from media import files, processing, purposes, uploading
from media.models import File, Upload
from media.storage import store

PIECE = 256 * 1024

TABLES = {
    "media.File": Fate(
        "photos",
        why="A member’s own are marked as gone; the row goes when its objects have left the storage. Those of "
        "characters are the site’s: it forgets who put them up.",
        blanks=("owner",),
        keeps=ALL,
    ),
    "media.Upload": Fate(why="How a photo came here; the photo itself is in photos."),
}


def export(user: User) -> Iterator[Document]:
    """Their own photos, as they are shown."""
    mine = File.objects.ready().filter(owner=user, purpose__in=purposes.personal()).order_by("created_at")
    for number, file in enumerate(mine, 1):
        ending = file.formats_of("full")[0]
        yield Document(f"photos/photo-{number}.{ending}", _pieces(file.key))


def erase(user: User) -> Iterator[None]:
    """What is on its way is given up, what is there is gone: rows first, objects as soon as the storage answers."""
    for pk in list(Upload.objects.owed().filter(owner=user).values_list("pk", flat=True)):
        uploading.cancel(Upload.objects.get(pk=pk))
        processing.see_to(pk)
        yield
    yield from delete(Upload.objects.filter(owner=user))
    User.objects.filter(pk=user.pk).update(avatar=None)
    mine = File.objects.filter(owner=user)
    files.forget(mine.ready().filter(purpose__in=purposes.personal()).values_list("pk", flat=True))
    yield
    mine.update(owner=None)
    yield


def _pieces(key: str) -> Iterator[bytes]:
    with store().open(key) as file:
        while piece := file.read(PIECE):
            yield piece
