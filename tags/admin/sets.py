"""The page on which users put tags on the keys 1 to 9."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from taggedimages.http.returning import page_before
from tags import names, tag_sets
from tags.admin.typed import typed_names, written


class TypedNamesField(forms.CharField):
    """Names of tags in one text, as `typed_names` reads them."""

    def clean(self, value: Any) -> list[str]:
        try:
            given = typed_names(super().clean(value))
        except names.BadName as error:
            raise forms.ValidationError(str(error)) from error
        if len(given) > tag_sets.MOST_NAMES:
            raise forms.ValidationError(f"At most {tag_sets.MOST_NAMES} tags.")
        return given


def edit_sets(request: HttpRequest) -> HttpResponse:
    """The sets of the user who asks, in a form; POST makes what it says all that there are."""
    user: Any = request.user
    if not user.has_perm("images.change_image"):
        raise PermissionDenied
    form = _form(request, tag_sets.of(user))
    back = page_before(request, reverse("admin:images_image_changelist"))
    if form.is_valid():
        tag_sets.write(user, dict(zip(tag_sets.NUMBERS, form.cleaned_data.values(), strict=True)))
        messages.success(request, "The sets are saved.")
        return HttpResponseRedirect(back)
    context = admin.site.each_context(request) | {
        "title": "Tags on the keys 1 to 9",
        "form": form,
        "next": back,
    }
    return TemplateResponse(request, "admin/tags/tag/sets.html", context)


def _form(request: HttpRequest, own: dict[int, list[str]]) -> forms.Form:
    form = forms.Form(request.POST if request.method == "POST" else None)
    box = {
        "rows": 1,
        "cols": 60,
        "data-tagbox": "",
        "data-suggest": reverse("admin:tags_tag_suggest"),
    }
    for number in tag_sets.NUMBERS:
        form.fields[f"set-{number}"] = TypedNamesField(
            label=f"Key {number}",
            required=False,
            initial=written(own.get(number, [])),
            widget=forms.Textarea(box),
        )
    return form
