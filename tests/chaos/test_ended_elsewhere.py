"""Whoever changes their password, is deactivated or deleted somewhere else has no open socket a few seconds later."""

import pytest
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from tests.chaos.members import Member
from tests.chaos.test_redis_away import Tab
from tests.config.processes import manage
from tests.racing import needs_postgres

pytestmark = needs_postgres
SECONDS = 30  # a promise of five, and a machine that may be busy: without anybody's word it was a minute


def change_password(user, production):
    """At a shell, on another machine."""
    code = f"from accounts.models import User; u = User.objects.get(pk={user.pk}); u.set_password('new'); u.save()"
    assert manage("shell", "-c", code, **production.env).returncode == 0


def deactivate(user, production):
    User.objects.filter(pk=user.pk).update(is_active=False)


def delete(user, production):
    user.delete()


def closed_with(socket):
    try:
        while True:
            socket.recv(timeout=SECONDS)
    except ConnectionClosed as closed:
        return closed.rcvd.code


@pytest.mark.parametrize("deed", [change_password, deactivate, delete])
def test_open_sockets_end_soon(production, deed, alice, charlie, mara):
    production.start("redis", "web")
    with Member(production.url, alice) as mine, Member(production.url, charlie) as another:
        tabs = [Tab(mine, mine.open_chat()), Tab(mine, mine.open_chat()), Tab(another, another.open_chat())]
        deed(alice, production)
        for tab in tabs[:2]:
            assert closed_with(tab.socket) == 4401
        tabs[2].watch()
        assert tabs[2].is_like_a_fresh_page()
        tabs[2].socket.close()
