"""The form of a tag."""

from typing import Any

from django import forms

from tags import names, renaming, restriction, rights
from tags.models import Tag


class TagForm(forms.ModelForm[Tag]):
    """A tag; its name must be free, or an alias of its own, and one that every API takes.

    A tag that exists has its name hidden here: renaming has a page of its own, with a plan. Whoever
    sends another name renames it all the same. `locks` is who may say that a tag is locked.
    """

    locks: Any = None
    keep_old = forms.BooleanField(
        required=False,
        initial=True,
        label="Keep the old name as an alias",
        help_text="Of a tag that is renamed: whether its old name goes on finding and writing it.",
    )

    class Meta:
        model = Tag
        fields = (
            "name",
            "category",
            "color",
            "status",
            "description",
            "label_en",
            "label_fr",
            "public",
            "listed",
            "visible",
            "allow_download",
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "status" in self.fields:
            # What is not sent stays.
            self.fields["status"].required = False
        if "color" in self.fields:
            self.fields["color"].label = "Colour"
        if self.instance.pk is not None:
            for name in {"name", "keep_old"} & set(self.fields):
                self.fields[name].widget = forms.HiddenInput()

    def clean_name(self) -> str:
        """The name in form NFC; one that stays stays as it is."""
        name: str = self.cleaned_data["name"]
        if name == self.initial.get("name"):
            return name
        try:
            name = names.entered(name)
            if alias := self.own_alias(name):
                renaming.images_to_move(alias)
        except (names.BadName, renaming.TooManyLinks) as error:
            raise forms.ValidationError(str(error)) from error
        return name

    def clean_status(self) -> str:
        """How it may be used; left out, as before."""
        status: str = self.cleaned_data["status"] or self.instance.status
        if status == Tag.Status.LOCKED != self.initial.get("status") and self.locks is not None:
            try:
                rights.check_lock(self.locks)
            except restriction.Restricted as error:
                raise forms.ValidationError(str(error)) from error
        return status

    def own_alias(self, name: Any) -> Tag | None:
        """The alias of this very tag that has a name, which it may take back."""
        if self.instance.pk is None:
            return None
        return Tag.objects.filter(name=name, alias_of=self.instance.pk).first()

    def _get_validation_exclusions(self) -> set[str]:
        # That name is free for it, whatever the constraint says.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"name"} if self.own_alias(self.cleaned_data.get("name")) else excluded
