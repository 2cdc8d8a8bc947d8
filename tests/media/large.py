"""Pictures as large as we take them, and what one costs: each made, and measured, in a process of its own.

python -m tests.media.large make "png, alpha" FILE
python -m tests.media.large measure FILE [HOW MANY AT ONCE]
"""

import json
import os
import re
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image

from tests.servers import ROOT


@dataclass(frozen=True)
class Large:
    """A picture, and how it is saved."""

    kind: str
    mode: str = "RGB"
    size: tuple[int, int] = (7300, 5475)
    options: dict[str, Any] = field(default_factory=dict)


QUICK = {"quality": 30, "enc_params": {"preset": "ultrafast"}}
LARGE = {
    "jpeg": Large("JPEG"),
    "jpeg, progressive": Large("JPEG", options={"progressive": True, "subsampling": 0}),
    "jpeg, progressive, cmyk": Large("JPEG", "CMYK", (6320, 4740), {"progressive": True}),
    "png": Large("PNG", options={"compress_level": 1}),
    "png, alpha": Large("PNG", "RGBA", options={"compress_level": 1}),
    "webp": Large("WEBP", "RGBA", (4896, 3672), {"method": 0}),
    "heic": Large("HEIC", options=QUICK),
    "heic, tiles": Large("HEIC", options={**QUICK, "tile_size": 512}),
}


def large(*words: object) -> dict[str, Any]:
    """Do it in a process of its own, and answer what it found."""
    command = [sys.executable, "-m", "tests.media.large", *map(str, words)]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def make(which: str, path: Path) -> dict[str, Any]:
    """A picture with something to see on it, whatever its size."""
    like = LARGE[which]
    picture = Image.linear_gradient("L").resize(like.size).convert("RGB").convert(like.mode)
    if like.kind == "HEIC":
        pillow_heif.from_pillow(picture).save(path, **like.options)
    else:
        picture.save(path, like.kind, **like.options)
    return {}


def measure(path: Path, times: int = 1) -> dict[str, Any]:
    """What the variants of a picture cost in a worker's process, so many at once."""
    import django

    django.setup()
    from media.images import Variant, make

    variants = [Variant("full", 2048, 2048), Variant("card", 720, 960, "top"), Variant("thumb", 320, 320, "middle")]

    def one() -> dict[str, Any]:
        with path.open("rb") as file:
            made = make(file, variants, ai_generated=True)
        pictures = [(picture.extension, picture.width, picture.height, len(picture.data)) for picture in made.pictures]
        return {
            "pixels": made.width * made.height,
            "sizes": [(width, height) for _, width, height, _ in pictures],
            "bytes": sum(length for *_, length in pictures),
        }

    began, worked = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(times) as people:
        asked = [people.submit(one) for _ in range(times)]
        found = [future.result() for future in asked][-1]
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    return {**found, "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most memory that this process held. Linux' getrusage would count what its parent held, too."""
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


if __name__ == "__main__":
    deed, *words = sys.argv[1:]
    found = make(words[0], Path(words[1])) if deed == "make" else measure(Path(words[0]), *map(int, words[1:]))
    print(json.dumps(found))  # noqa: T201 - for whoever started it
