"""What is about to happen to tags: said in words and a number first, done when that was confirmed.

Each deed of a tag's page and each action of the list makes a Plan; `answer` shows it, or does it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from images.visibility import Viewer
from search.query import Query, TagValues
from search.results import SearchResults, count_by_tag
from taggedimages.changes.refusals import BadOperation, NeedsSomebodyElse, TooManyPlanned
from taggedimages.http.returning import page_before
from tags import curation, names, renaming, restriction, rights, vocabulary
from tags.models import Tag

# The names of so many tags are shown on a plan, and images counted by one search.
MOST_NAMED = 40
# As Django has it.
CONFIRMED = "post"


class Refused(Exception):
    """It cannot be done; the text says why."""


# What the domain refuses, in words that somebody in the admin may read.
REFUSALS = (
    Refused,
    names.BadName,
    renaming.TooManyLinks,
    curation.TagNameTaken,
    rights.OnImagesOfOthers,
    restriction.Restricted,
    restriction.Deprecated,
    vocabulary.TooDeep,
    BadOperation,
    NeedsSomebodyElse,
    TooManyPlanned,
)


@dataclass
class Plan:
    """What would happen to some tags. `does` does it, and returns what has happened and the page to
    go to ("": back). A plan with a form that is not filled in asks for that first.

    `number` is written large: how many images it is about.
    """

    title: str
    number: str = ""
    says: list[str] = field(default_factory=list)
    button: str = "Do it"
    does: Callable[[], tuple[str, str]] | None = None
    tags: Sequence[Tag] = ()
    form: forms.Form | None = None
    takes_away: bool = False
    # What shows its own plan elsewhere needs no second page here.
    at_once: bool = False
    # The page of the form says all that there is to say, so that its button confirms.
    form_confirms: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether it can be confirmed."""
        return self.does is not None


def answer(
    request: HttpRequest, make: Callable[[], Plan], back: str, **context: Any
) -> HttpResponse:
    """The page of a plan, or, confirmed, what comes after it; refusals are told on the page
    before."""
    try:
        plan = make()
        if (
            plan.is_ready
            and request.method == "POST"
            and (plan.at_once or CONFIRMED in request.POST)
        ):
            assert plan.does
            said, url = plan.does()
            if said:
                messages.success(request, said)
            return HttpResponseRedirect(url or page_before(request, back))
    except REFUSALS as error:
        return _refused(request, str(error), back)
    except vocabulary.Cycle as cycle:
        said = f"Tags would stand for themselves: {cycle}."
        return _refused(request, said, back)
    except vocabulary.TooMany:
        most = vocabulary.MAX_DESCENDANTS
        return _refused(request, f"A tag would stand for more than {most:,} others.", back)
    except Tag.DoesNotExist as error:
        return _refused(request, str(error), back)
    return _page(request, plan, back, context)


def images(count: int) -> str:
    """So many images, in words."""
    return "1 image" if count == 1 else f"{count:,} images"


def number_of(tags: Sequence[Tag], viewer: Viewer) -> str:
    """How many images have one of some tags, or an alias of it: of those that somebody is shown.

    Of very many tags, the sum of each, which is at least that. A few statements.
    """
    if len(tags) == 1:
        return images(SearchResults(Query(tag_id=tags[0].pk, aliased=True), viewer).count())
    if len(tags) <= MOST_NAMED:
        group = tuple(TagValues(tag.name) for tag in tags)
        return images(SearchResults(Query(with_any=(group,), aliased=True), viewer).count())
    return f"at most {images(sum(count_by_tag([tag.pk for tag in tags], viewer).values()))}"


def named(tags: Sequence[Tag]) -> str:
    """Some tags in words: the names of few, the number of many."""
    if len(tags) > 3:
        return f"{len(tags):,} tags"
    return ", ".join(f"“{tag.name}”" for tag in tags)


def _refused(request: HttpRequest, said: str, back: str) -> HttpResponse:
    messages.error(request, said)
    return HttpResponseRedirect(page_before(request, back))


def _page(request: HttpRequest, plan: Plan, back: str, context: dict[str, Any]) -> HttpResponse:
    left_out = {"csrfmiddlewaretoken", CONFIRMED}
    if plan.form is not None and not plan.is_ready:
        left_out |= {plan.form.add_prefix(name) for name in plan.form.fields}
    hidden = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in left_out
        for value in values
    ]
    page = admin.site.each_context(request) | {
        "title": plan.title,
        "plan": plan,
        "opts": Tag._meta,
        "chips": plan.tags[:MOST_NAMED],
        "more": max(len(plan.tags) - MOST_NAMED, 0),
        "hidden": hidden,
        "confirmed": CONFIRMED,
        "action": request.get_full_path(),
        "back": page_before(request, back),
    }
    return TemplateResponse(request, "admin/tags/tag/plan.html", page | context)
