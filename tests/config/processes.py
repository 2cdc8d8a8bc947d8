"""Dusk as a process of its own, started as people start it, and a member's browser that speaks to it."""

import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import httpx

from tests.servers import DEADLINE, ROOT, Process, free_port


def environment(**more: str) -> dict[str, str]:
    """This process's environment without anybody's .env, and with what a test adds."""
    base = {**os.environ, "ENV_FILE": os.devnull, "DEBUG": "1", "SECRET_KEY": "for-tests-only"}
    base["DEMO_PHOTOS"] = "0"  # ten seconds of a core, for those who look at them
    base["PYTHONFAULTHANDLER"] = "1"  # a process that crashes says where, in its log
    return {**base, **more}


def manage(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**env), capture_output=True, text=True, check=False, timeout=DEADLINE
    )


def until(answer, *, what: str):
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if result := answer():
            return result
        time.sleep(0.05)
    raise AssertionError(f"in {DEADLINE} s never: {what}")


def responds(url: str) -> bool:
    """Whether this address says 200."""
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class Dusk(Process):
    """`manage.py serve` on a database and a port of its own."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.port = free_port()
        # The embedded mode, whatever the suite runs on: nothing but this process.
        small = {
            "DATABASE_URL": f"sqlite:///{folder}/dusk.sqlite3",
            "REDIS_URL": "",
            "PORT": str(self.port),
            "MAIL_ROOT": f"{folder}/mail",
        }
        command = [sys.executable, "manage.py", "serve"]
        super().__init__("serve", command, folder, environment(**{**small, **env}))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        super().start()
        until(self.answers, what="an answer from /healthz")

    def answers(self) -> bool:
        self.must_run()
        return responds(f"{self.url}/healthz")


class Browser:
    """A member's browser: signs in, as a demo account, and talks with a character."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, trust_env=False, timeout=DEADLINE)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *error: object) -> None:
        self.http.close()

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())

    def sign_in(self, email: str = "member@example.com") -> None:
        page = self.http.get("/accounts/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        form = {"login": email, "password": "demo-password", "cf-turnstile-response": "a-browser"}
        answer = self.http.post("/accounts/login/", data={**form, "csrfmiddlewaretoken": token})
        assert "sessionid" in self.http.cookies, answer.text

    def post(self, path: str, **data: object) -> httpx.Response:
        headers = {"X-CSRFToken": self.http.cookies["csrftoken"]}
        answer = self.http.post(path, json=data, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer

    def open_chat(self, slug: str = "mara") -> str:
        headers = {"X-CSRFToken": self.http.cookies["csrftoken"]}
        page = self.http.post(f"/girls/{slug}/chat/", headers=headers)
        return re.search(r"/chat/([0-9a-f-]{36})/", str(page.url))[1]

    def send(self, conversation: str, text: str) -> httpx.Response:
        permit = self.post("/chat/permits/", token=uuid.uuid4().hex, scope="chat_send").json()["permit"]
        path = f"/chat/{conversation}/messages/"
        return self.post(path, text=text, client_id=str(uuid.uuid4()), permit=permit)

    def state(self, conversation: str) -> dict:
        return self.http.get(f"/chat/{conversation}/state/").json()

    def answer(self, conversation: str) -> str:
        """Her answer to the last message, when it is there."""

        def last() -> str:
            said = self.state(conversation)["messages"][-1]
            return said["text"] if said["sender"] == "ai" else ""

        return until(last, what="her answer")
