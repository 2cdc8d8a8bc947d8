"""What pictures cost a worker: seconds for a photo of 12 megapixels, and memory for the largest that we take.

    python -m bench.pictures

Each is made, and measured, in a process of its own; memory is that of the whole process, Django included.
"""

import os
import tempfile
from pathlib import Path

from PIL import Image

from bench.figures import Bar, Report
from tests.media.large import LARGE, large

SECONDS, MEMORY = Bar(1.5, "1"), Bar(400, "300")
TIMES = 3


def photo(path: Path) -> None:
    """12 megapixels and 4 MB, as phones make them: soft shapes, edges, grain."""
    size = (4032, 3024)
    bands = []
    for coarse, fine in ((24, 160), (30, 200), (36, 240)):
        shapes = [
            Image.effect_noise((n, n * 3 // 4), 110).resize(size, Image.Resampling.BICUBIC) for n in (coarse, fine)
        ]
        bands.append(Image.blend(Image.blend(*shapes, 0.35), Image.effect_noise(size, 40), 0.17))
    Image.merge("RGB", bands).save(path, "JPEG", quality=92)


def main() -> None:
    """Measure, and print."""
    os.environ.setdefault("SECRET_KEY", "for-the-benchmark-only")
    report = Report()
    with tempfile.TemporaryDirectory(prefix="dusk-bench-") as folder:
        path = Path(folder) / "picture"
        report.say("Measuring a photo ...")
        photo(path)
        runs = sorted((large("measure", path) for _ in range(TIMES)), key=lambda run: float(run["seconds"]))
        middle = runs[TIMES // 2]
        report.add(f"JPEG of 12 megapixels, {path.stat().st_size / 1e6:.1f} MB", middle["seconds"], "s", SECONDS)
        report.add("    CPU", middle["cpu_seconds"], "s")
        report.add("    memory", middle["peak_mb"], "MB", MEMORY)
        report.add("    its variants, three sizes in WebP and AVIF", middle["bytes"] / 1024, "KB")
        for which, like in LARGE.items():
            report.say(f"Measuring {which} ...")
            large("make", which, path)
            found = large("measure", path)
            pixels = like.size[0] * like.size[1] / 1e6
            report.add(f"{which}, {pixels:.0f} megapixels: memory", found["peak_mb"], "MB", MEMORY)
            report.add("    CPU", found["cpu_seconds"], "s")
    report.print()


if __name__ == "__main__":
    main()
