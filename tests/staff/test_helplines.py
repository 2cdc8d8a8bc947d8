"""The helplines in the console: who checked which, written down."""

from datetime import date

import pytest
from django.core.checks import run_checks
from django.test import Client

from safety import helplines
from safety.models import Helpline
from staff.models import Audit
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PLACE = "/admin/safety/helpline/"


@pytest.fixture(autouse=True)
def line():
    helplines.forget()
    Helpline.objects.all().delete()
    yield Helpline.objects.create(country="NZ", name="Need to talk?", kind="line", display="1737", tel="1737")
    helplines.forget()


@pytest.fixture
def mona():
    browser = Client()
    browser.force_login(UserFactory(username="mona", role="moderator"))
    return browser


def warned():
    return [said.id for said in run_checks(tags=["dusk"], include_deployment_checks=True) if said.id == "dusk.W010"]


def test_a_check_has_a_name_a_day_and_a_line_in_the_audit(mona, line):
    assert "To be checked" in mona.get(PLACE).content.decode()
    assert warned() == ["dusk.W010"]
    said = mona.post(PLACE, {"action": "i_checked", "_selected_action": [line.pk]})
    assert said.status_code == 302
    line.refresh_from_db()
    assert (line.status, line.verified_by) == ("checked", "mona")
    assert (date.today() - line.verified_at).days <= 1
    assert Audit.objects.get(table="safety.Helpline", key=str(line.pk)).after["verified_by"] == "mona"
    assert warned() == []


def test_another_number_is_to_be_checked_anew(mona, line):
    Helpline.objects.update(status="checked", verified_by="mona", verified_at=date.today())
    form = {"country": "NZ", "name": "Need to talk?", "kind": "line", "display": "1738", "tel": "1738"}
    said = mona.post(f"{PLACE}{line.pk}/change/", form | {"position": 1, "shown": "on"})
    assert said.status_code == 302
    line.refresh_from_db()
    assert (line.tel, line.status) == ("1738", "to be checked by the operator")
    assert helplines.for_country("NZ").lines[0].call == "tel:1738"


def test_what_would_not_ring_is_told(mona, line):
    form = {"country": "NZ", "name": "Need to talk?", "kind": "line", "display": "1737", "tel": "+1737", "position": 1}
    said = mona.post(f"{PLACE}{line.pk}/change/", form)
    assert "a short code has no plus" in said.content.decode()
