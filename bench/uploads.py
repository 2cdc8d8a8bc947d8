"""How long it takes until 50 photos of 4 MB can be published: `python -m bench.uploads [PHOTOS]`.

A web process, a worker, PostgreSQL and Redis of their own, files on this disk. An editor sends three at a time, as the
uploader of the page does. Prints when the last was sent and when the last was ready, and the worker's memory.
"""

import contextlib
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers import Process, Redis, free_port, postgres, provide

AT_ONCE = 3
PHOTO = (4032, 3024)  # pixels of a phone's picture


def main(photos: int) -> None:
    """Start everything, send, wait, and print the figures."""
    provide(["postgres", "redis"])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dusk-bench-")))
        folder.chmod(0o755)
        port, redis = free_port(), stack.enter_context(Redis(folder))
        env = {
            "ENV_FILE": os.devnull,
            "DEBUG": "1",
            "SECRET_KEY": "for-the-benchmark-only",
            "DATABASE_URL": stack.enter_context(postgres(folder)),
            "REDIS_URL": redis.url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "SITE_URL": f"http://127.0.0.1:{port}",
            "MEDIA_ROOT": str(folder / "media"),
            "WORKER_CONCURRENCY": "32",
            "LOG_LEVEL": "ERROR",
        }
        os.environ.update(env)
        from bench import stage  # settings are read now

        stage.build()
        editor = stage.members("editor", 1)[0]
        type(editor).objects.filter(pk=editor.pk).update(is_staff=True, is_superuser=True)
        cookie = stage.cookies([editor])[0]
        processes = {
            name: Process(name, ["bin/process", name], folder, {**os.environ}) for name in ("web", "worker", "beat")
        }
        for process in processes.values():
            stack.enter_context(process)
        processes["web"].wait_for(port)
        measure(photos, f"http://127.0.0.1:{port}", cookie, processes["worker"].pid)


def measure(photos: int, url: str, cookie: dict[str, str], worker: int) -> None:
    """Send all, and wait until all are ready."""
    import httpx

    from girls.models import Girl
    from media.models import Upload

    girl = Girl.objects.values_list("pk", flat=True)[0]
    files = [photo(n) for n in range(photos)]
    size = sum(map(len, files)) / len(files)
    headers = {"Cookie": cookie["cookie"], "X-CSRFToken": cookie["csrf"]}
    print(f"{photos} photos of {PHOTO[0]} x {PHOTO[1]} pixels, {size / 1e6:.1f} MB each, {AT_ONCE} at a time")
    before = resident(worker)
    began = time.monotonic()
    with httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False) as http:

        def put_up(number: int) -> None:
            target = {"girl": girl, "surface": "gallery"}
            said = {"purpose": "girl_media", "target": target, "name": f"{number}.jpg", "content_type": "image/jpeg"}
            asked = http.post("/media/uploads/", json={**said, "size": len(files[number])}).raise_for_status().json()
            file = {"file": (f"{number}.jpg", files[number], "image/jpeg")}
            http.post(asked["url"], data=asked["fields"], files=file).raise_for_status()
            http.post(f"/media/uploads/{asked['upload']['id']}/complete/").raise_for_status()

        with ThreadPoolExecutor(AT_ONCE) as browser:
            list(browser.map(put_up, range(photos)))
    sent = time.monotonic() - began
    most = before
    while Upload.objects.filter(state=Upload.State.ARRIVED).exists():
        most = max(most, resident(worker))
        time.sleep(0.2)
    ready = time.monotonic() - began
    states = dict.fromkeys(Upload.objects.values_list("state", flat=True))
    print(f"  sent after {sent:.1f} s, ready after {ready:.1f} s ({ready / photos:.2f} s each); states: {list(states)}")
    print(f"  worker: {before:.0f} MB before, {most:.0f} MB at most")


def photo(number: int) -> bytes:
    """A JPEG of about 4 MB, unlike the others."""
    import io
    import random

    from PIL import Image

    chance = random.Random(number)
    small = Image.frombytes("RGB", (1008, 756), chance.randbytes(1008 * 756 * 3))
    picture = Image.blend(small.resize(PHOTO, Image.Resampling.BICUBIC), Image.new("RGB", PHOTO, "teal"), 0.45)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def resident(pid: int) -> float:
    """MB of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
