"""What an editor fills in about a character."""

import hashlib
import json
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils.functional import cached_property
from django.utils.html import format_html

from girls.catalogue import NEW
from girls.models import Girl, tag_key

ANYWAY = "save_anyway"  # the name of the button, and its value how the row stood when it was drawn
STALE = "Somebody else saved this since you opened it. Nothing of yours is written yet."
COUNTED = "{n} of {most} characters, about {tokens} tokens."
CHARACTERS_A_TOKEN = 4  # of English, as a rule of thumb
HELP = {
    "slug": "Her address: /girls/…/. Changing it breaks links to her.",
    "age": "18 or older, always.",
    "tagline": "One sentence, on her card.",
    "bio": "What visitors read on her page. An empty line begins a new paragraph.",
    "example_dialogue": "A few lines of talk, so that the model hears her. Never shown to members.",
    "voice_id": "Never shown to members.",
}
MAX_TAGS = 8
TAG_CHARACTERS = 24
MAX_STARTERS = 4
STARTER_CHARACTERS = 120


class LinesField(forms.CharField):
    """A list, written as one text."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether it is another text than the one that stood there."""
        return super().has_changed(self.prepare_value(initial), data)


class TagsField(LinesField):
    """A list of tags, written with commas."""

    widget = AdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        tags: dict[str, str] = {}
        for tag in super().clean(value).split(","):
            if tag.strip():
                tags.setdefault(tag_key(tag), " ".join(tag.split()))
        if "" in tags:
            raise forms.ValidationError("A tag needs a letter or a digit.")
        if NEW in tags:
            raise forms.ValidationError("New characters are marked by themselves; leave the tag “New” out.")
        if len(tags) > MAX_TAGS:
            raise forms.ValidationError(f"At most {MAX_TAGS} tags.")
        if too_long := [tag for tag in tags.values() if len(tag) > TAG_CHARACTERS]:
            raise forms.ValidationError(f"“{too_long[0]}” is too long: a tag has at most {TAG_CHARACTERS} characters.")
        return list(tags.values())


class StartersField(LinesField):
    """A list of things to say first, one on each line."""

    widget = AdminTextareaWidget(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = list(
            dict.fromkeys(" ".join(line.split()) for line in super().clean(value).splitlines() if line.strip())
        )
        if len(lines) > MAX_STARTERS:
            raise forms.ValidationError(f"At most {MAX_STARTERS} lines.")
        if any(len(line) > STARTER_CHARACTERS for line in lines):
            raise forms.ValidationError(f"Each line has at most {STARTER_CHARACTERS} characters.")
        return lines


class SeenForm(forms.ModelForm):
    """A form that knows what stood in its fields when its editor opened it, and so what somebody else saved since.

    The page carries that along (Django's hidden initial values). What is written is what this editor changed, and
    nothing is written over words that they have not seen: see `theirs`. A form that came without is compared with the
    row as it is.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.was = {name: getattr(self.instance, name) for name in self.fields}
        if self.instance.pk:
            for field in self.fields.values():  # formsets add more later
                field.show_hidden_initial = True

    def now(self, name: str) -> str:
        """What stands in the row, as the form shows it."""
        field = self.fields[name]
        value = field.prepare_value(self.get_initial_for_field(field, name))
        return _plain("" if value is None else str(value))

    def seen(self, name: str) -> str:
        """What stood there when the page was opened."""
        said = self.data.get(self.add_initial_prefix(name))
        return self.now(name) if said is None else _plain(said)

    def mine(self, name: str) -> str:
        """What this editor sent."""
        value = self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        return _plain("" if value is None else str(value))

    @cached_property
    def changed_data(self) -> list[str]:
        """The fields that this editor changed, whatever others did."""
        if not self.instance.pk:
            return super().changed_data
        return [name for name in self.was if self.mine(name) != self.seen(name)]

    @cached_property
    def theirs(self) -> list[str]:
        """The fields that somebody else changed since, to something else than this editor sent."""
        return [name for name in self.was if self.seen(name) != self.now(name) != self.mine(name)]

    @property
    def stamp(self) -> str:
        """How the row stands, as a mark: whoever names it has seen it so."""
        words = json.dumps([self.now(name) for name in self.was])
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    @property
    def is_stale(self) -> bool:
        """Whether this editor would write over what they have not seen."""
        return bool(self.instance.pk and self.is_bound and self.theirs and self.data.get(ANYWAY) != self.stamp)

    def clean(self) -> dict[str, Any]:
        """The values, with plain line ends. Nothing is valid that would be written over what nobody saw."""
        super().clean()
        if self.is_stale:
            raise forms.ValidationError(STALE, code="stale")
        return {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value
            for name, value in self.cleaned_data.items()
        }

    def leave_theirs(self) -> list[str]:
        """Take out of the instance what this editor did not change; answers the fields that are to be written."""
        changed = [name for name in self.changed_data if getattr(self.instance, name) != self.was[name]]
        for name in set(self.was) - set(changed):
            setattr(self.instance, name, self.was[name])
        return changed


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def counted(text: str, most: int | None) -> str:
    """How long a text is, in words."""
    tokens = -(-len(text) // CHARACTERS_A_TOKEN)
    return COUNTED.format(n=f"{len(text):,}", most=f"{most or 0:,}", tokens=f"{tokens:,}")


class PositionForm(SeenForm):
    """Her place, as the list takes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["position"].widget.attrs["aria-label"] = f"Position of {self.instance.name}"

    def clean(self) -> dict[str, Any]:
        """The values; a refusal says what stands there now."""
        if self.is_stale:
            raise forms.ValidationError(f"Somebody else set this to {self.now('position')}. Reload the list.")
        return super().clean()


class SpokenForm(SeenForm):
    """What a character says and how she talks, with how long it is and about how many tokens that takes."""

    starters = StartersField(required=False, help_text="Three or four, one on each line. Members tap one to begin.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("greeting", "persona_prompt", "example_dialogue"):
            if name in self.fields:
                column: Any = Girl._meta.get_field(name)
                shown = self[name]
                shown.help_text = format_html(
                    '{} <span class="counting" data-length-of="{}" data-most="{}" data-words="{}">{}</span>',
                    shown.help_text,
                    shown.id_for_label,
                    most := column.max_length,
                    COUNTED,
                    counted(str(shown.value() or ""), most),
                )


class ProfileForm(SeenForm):
    """What visitors read of her."""

    tags = TagsField(
        required=False, help_text="Separated by commas, the most telling first: the first two stand on her card."
    )

    class Meta:
        model = Girl
        fields = (
            *("name", "slug", "age", "is_active", "position"),
            *("tagline", "work", "tags", "bio", "lives_in", "speaks"),
        )
        help_texts = HELP


class PersonaForm(SpokenForm):
    """What she says first, and what only the model is told."""

    class Meta:
        model = Girl
        fields = ("greeting", "starters", "persona_prompt", "example_dialogue", "voice_id")
        help_texts = HELP


class GirlForm(ProfileForm, SpokenForm):
    """A new character: all of it."""

    class Meta:
        model = Girl
        fields = (*ProfileForm.Meta.fields, *PersonaForm.Meta.fields)
        help_texts = HELP


PROFILE = (
    (None, {"fields": ("name", "slug", "age", "is_active", "position")}),
    ("On her card and page", {"fields": ("tagline", "work", "tags", "bio", "lives_in", "speaks")}),
)
PERSONA = (
    ("What she says first", {"fields": ("greeting", "starters")}),
    (
        "Persona, for the model only",
        {
            "fields": ("persona_prompt", "example_dialogue", "voice_id"),
            "description": "Never leaves the server: no page, no answer and no log shows it.",
        },
    ),
)
RECORD = (("Record", {"fields": ("created_by", "created_at", "updated_at"), "classes": ("collapse",)}),)
