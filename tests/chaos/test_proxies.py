"""The configurations under deploy/, as they stand there, before a web process of production's."""

import json
import os
import socket
import ssl
import subprocess
from urllib.parse import urlsplit

import httpx
import pytest
from django.test import Client
from websockets.sync.client import connect

from tests.chaos.conftest import SECRET
from tests.config.processes import until
from tests.fakes.turnstile import SECRET_KEY, SITE_KEY
from tests.servers import DEADLINE, ROOT, Missing, Process, find, free_port

pytestmark = pytest.mark.usefixtures("debug_off")
NAME = "dusk.example"
KEY = "cz7r3h-6f1d2a9b8c7e6d5f4a3b2c1d0e9f8a7b"


@pytest.fixture
def ask(ask):
    keys = {"TURNSTILE_SITE_KEY": SITE_KEY, "TURNSTILE_SECRET_KEY": SECRET_KEY, "SECRET_KEY": SECRET, "DEBUG": "0"}
    carrier = {"EMAIL_URL": "smtp://127.0.0.1:9"}  # nobody is written to here
    return {**ask, **keys, **carrier, "SITE_URL": f"https://{NAME}", "TRUSTED_PROXY_COUNT": "1"}


class Proxy(Process):
    """A proxy with a certificate of its own making, on ports of its own."""

    def __init__(self, folder, program, behind):
        self.https, self.http, self.folder = free_port(), free_port(), folder
        self.access_log = folder / "access.log"
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"]
        make += ["-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(self.key), "-out", str(self.certificate)]
        subprocess.run(make, check=True, capture_output=True)
        command = self.nginx(behind) if program == "nginx" else self.caddy(behind)
        super().__init__(program, command, folder, {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)})

    def changed(self, name, **instead):
        text = (ROOT / "deploy" / name).read_text()
        for old, new in instead.values():
            assert old in text, old
            text = text.replace(old, str(new))
        path = self.folder / name
        path.write_text(text)
        return path

    def nginx(self, behind):
        site = self.changed(
            "nginx.conf",
            six=("    listen [::]:80;\n    ", "    "),
            sixtls=("    listen [::]:443 ssl http2;\n    ", "    "),
            http=("listen 80;", f"listen 127.0.0.1:{self.http};"),
            https=("listen 443 ssl http2;", f"listen 127.0.0.1:{self.https} ssl http2;"),
            behind=("127.0.0.1:8000", f"127.0.0.1:{behind}"),
            certificate=(f"/etc/letsencrypt/live/{NAME}/fullchain.pem", self.certificate),
            key=(f"/etc/letsencrypt/live/{NAME}/privkey.pem", self.key),
            log=("/var/log/nginx/dusk.log", self.access_log),
            errors=("/var/log/nginx/dusk-error.log", self.folder / "error.log"),
        )
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        user = "user root;" if os.geteuid() == 0 else ""
        main = self.folder / "main.conf"
        main.write_text(
            f"{user} daemon off; pid {self.folder}/nginx.pid; error_log stderr crit;\n"
            f"events {{ worker_connections 512; }}\nhttp {{ {places} include {site}; }}\n"
        )
        return [find("nginx"), "-e", "stderr", "-p", str(self.folder), "-c", str(main)]

    def caddy(self, behind):
        ports = f"{{\n\tadmin off\n\thttp_port {self.http}\n\thttps_port {self.https}\n\t# Lines"
        tls = f"{NAME} {{\n\ttls {self.certificate} {self.key}\n"
        site = self.changed(
            "Caddyfile",
            ports=("{\n\t# Lines", ports),
            tls=(f"\n{NAME} {{\n", f"\n{tls}"),
            log=("\tlog {\n\t\tformat", f"\tlog {{\n\t\toutput file {self.access_log}\n\t\tformat"),
            behind=("127.0.0.1:8000", f"127.0.0.1:{behind}"),
        )
        return [find("caddy"), "run", "--adapter", "caddyfile", "--config", str(site)]

    def start(self):
        super().start()
        self.wait_for(self.https)

    def browser(self, **more):
        trusted = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(verify=trusted, trust_env=False, timeout=DEADLINE, **more)

    def ask(self, method, path, *, headers=None, **more):
        """As a browser does that knows where dusk.example is."""
        headers = {"Host": NAME, **(headers or {})}
        with self.browser() as browser:
            url = f"https://127.0.0.1:{self.https}{path}"
            return browser.request(method, url, headers=headers, extensions={"sni_hostname": NAME}, **more)


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request, production, tmp_path):
    if not find(request.param):
        raise Missing(f"{request.param} is not installed")
    production.start("redis", "web")
    with Proxy(tmp_path, request.param, production.port) as proxy:
        proxy.wait_for(proxy.https)
        yield proxy


def test_pages_sockets_and_limits_work_behind_a_proxy(proxy, alice):
    page = proxy.ask("GET", "/safety/")
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"]
    plain = httpx.get(
        f"http://127.0.0.1:{proxy.http}/safety/", headers={"Host": NAME}, trust_env=False, timeout=DEADLINE
    )
    assert plain.status_code in {301, 308}
    assert urlsplit(plain.headers["Location"])[:3] == ("https", plain.headers["Location"].split("/")[2], "/safety/")

    for path in ("/readyz", "/metrics"):
        assert proxy.ask("GET", path).status_code == 404, path
    assert proxy.ask("GET", "/healthz").status_code == 200
    assert proxy.ask("POST", "/nowhere", content=b"x" * 300_000).status_code == 413
    assert proxy.ask("GET", "/safety/", headers={"X-Large": "x" * 40_000}).status_code in {400, 431}
    assert proxy.ask("GET", "/safety/", headers={"Host": "evil.example"}).status_code != 500

    member = Client()
    member.force_login(alice)
    trusted = ssl.create_default_context(cafile=str(proxy.certificate))
    headers = {"Cookie": f"__Host-sessionid={member.cookies['sessionid'].value}"}
    with connect(
        f"wss://{NAME}/ws/",
        sock=socket.create_connection(("127.0.0.1", proxy.https)),
        ssl=trusted,
        origin=f"https://{NAME}",
        additional_headers=headers,
        proxy=None,
        legacy=True,
    ) as tab:
        tab.send(json.dumps({"type": "watch", "threads": 0}))
        assert json.loads(tab.recv(timeout=DEADLINE))["type"] == "threads"


def test_what_a_browser_says_of_its_address_is_not_believed(proxy):
    # Signing in is limited by address: another one made up each time does not help.
    statuses = set()
    for n in range(40):
        cookie = {"Cookie": f"__Host-csrftoken={'c' * 32}", "Origin": f"https://{NAME}"}
        headers = {**cookie, "X-Forwarded-For": f"192.0.2.{n}", "Referer": f"https://{NAME}/"}
        form = {"login": f"{n}@example.com", "password": "x", "csrfmiddlewaretoken": "c" * 32}
        statuses.add(proxy.ask("POST", "/accounts/login/", headers=headers, data=form).status_code)
    assert 429 in statuses


def test_no_secret_of_an_address_is_in_the_proxys_log(proxy, production):
    for path in (
        f"/accounts/password/reset/key/1-{KEY}/",
        f"/checkout/success/?session_id=cs_{KEY}",
        f"/{KEY}",
        f"/accounts/confirm-email/MQ:{KEY}/",
    ):
        proxy.ask("GET", path, headers={"Referer": f"https://{NAME}/accounts/password/reset/key/1-{KEY}/"})
    proxy.ask("GET", "/safety/")
    until(lambda: "/safety/" in proxy.access_log.read_text(), what="a line for the last request")
    production.kill("web")
    assert proxy.ask("GET", f"/accounts/password/reset/key/1-{KEY}/").status_code == 502
    until(lambda: "502" in proxy.access_log.read_text(), what="a line for what could not be asked")
    for log in proxy.folder.glob("*.log"):
        assert KEY not in log.read_text(), log.name
