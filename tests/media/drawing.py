"""Pictures for tests."""

import io

from PIL import Image


def picture(kind="JPEG", size=(800, 1000), mode="RGB", **options):
    """The bytes of a picture."""
    out = io.BytesIO()
    gradient = Image.linear_gradient("L").resize(size)
    Image.merge("RGB", (gradient, gradient.rotate(180), gradient)).convert(mode).save(out, kind, **options)
    return out.getvalue()
