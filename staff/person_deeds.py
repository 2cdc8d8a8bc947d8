"""The buttons of a person's page: what each is called, who may press it, what it asks, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from staff import person_forms, supporting
from staff.supporting import Done


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is done to a person's account: asked once more on a page of its own, with a reason."""

    name: str  # in templates, and of its route
    title: str
    button: str
    says: str  # what it will do, before it is done
    needs: str  # permission
    form: type[person_forms.ReasonForm]
    do: Callable[..., Done]  # told whose account, and what the form says
    is_bad: bool = False  # it takes something away
    is_on_its_own: bool = False  # it has transactions of its own
    names_actor: bool = False  # it is told who does it (`by`)
    fits: Callable[[User], bool] = lambda person: True  # whether it is of use as the account stands

    @property
    def slug(self) -> str:
        """In its address."""
        return self.name.replace("_", "-")

    @property
    def route(self) -> str:
        """The name of its address, in the namespace `admin`."""
        return f"person_{self.name}"


def _rests(person: User) -> bool:
    return person.erase_at is not None


DEEDS: tuple[Deed, ...] = (
    Deed(
        *("give_premium", "Give premium", "Give premium"),
        "The days are added to what they have. Open tabs unlock at once.",
        *("accounts.add_premiumgrant", person_forms.GiveForm, supporting.give_premium),
    ),
    Deed(
        *("take_premium_back", "Take premium back", "Take back"),
        "Exactly these days are taken off. What was bought is refunded at Stripe, which takes it back by itself.",
        *("accounts.change_premiumgrant", person_forms.TakeBackForm, supporting.take_premium_back),
        is_bad=True,
    ),
    Deed(
        *("reset_quotas", "Reset free messages", "Reset free messages"),
        "What was used up is there again, as in a new conversation. Open tabs see it at once. Premium is not touched.",
        *("chat.reset_quotas", person_forms.ResetForm, supporting.reset_quotas),
    ),
    Deed(
        *("end_sessions", "End sessions", "Sign out"),
        "They are signed out at once and may sign in again. Nothing is lost.",
        *("accounts.end_sessions", person_forms.EndForm, supporting.end_sessions),
        is_bad=True,
    ),
    Deed(
        *("restrict", "Pause or ban", "Pause or ban"),
        "They are signed out everywhere at once. When they come back, one page tells them why, in your words; they can "
        "still take a copy of their data or leave.",
        *("accounts.restrict_user", person_forms.RestrictForm, supporting.restrict),
        is_bad=True,
        names_actor=True,
    ),
    Deed(
        *("let_in", "Let in again", "Let in again"),
        "Every restriction ends, and they can use the site again.",
        *("accounts.restrict_user", person_forms.ReasonForm, supporting.let_in),
        names_actor=True,
        fits=lambda person: bool(person.restricted),
    ),
    Deed(
        *("deactivate", "Deactivate", "Deactivate"),
        "They are signed out everywhere and cannot sign in until somebody reactivates the account. Nothing is erased.",
        *("accounts.deactivate_user", person_forms.ReasonForm, supporting.deactivate),
        is_bad=True,
        fits=lambda person: person.is_active,
    ),
    Deed(
        *("reactivate", "Reactivate", "Reactivate"),
        "They can sign in again.",
        *("accounts.deactivate_user", person_forms.ReasonForm, supporting.reactivate),
        fits=lambda person: not person.is_active,
    ),
    Deed(
        *("erase", "Erase the account", "Start erasure"),
        "They are signed out and get a mail. After the pause all that is theirs is erased for good. Until then "
        "it can be taken back.",
        *("accounts.erase_user", person_forms.EraseForm, supporting.begin_erasure),
        is_bad=True,
        is_on_its_own=True,
        names_actor=True,
        fits=lambda person: not _rests(person),
    ),
    Deed(
        *("keep", "Keep the account", "Keep the account"),
        "The erasure is taken back. The account is as it was, and they get a mail.",
        *("accounts.erase_user", person_forms.ReasonForm, supporting.keep),
        is_on_its_own=True,
        fits=_rests,
    ),
)


def offered(person: User, may: Callable[[str], bool]) -> dict[str, Deed]:
    """Those that are of use as the account stands, to somebody who may do them."""
    return {deed.name: deed for deed in DEEDS if may(deed.needs) and deed.fits(person)}


def act(deed: Deed, person: User, actor: User, values: dict[str, Any]) -> Done:
    """Do it. Raises Refused."""
    return deed.do(person, **values, **({"by": actor} if deed.names_actor else {}))
