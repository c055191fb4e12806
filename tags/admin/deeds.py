"""What may be done to one tag, besides its form: each a Plan (tags.admin.plans)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django import forms
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from search.results import count_by_tag
from taggedimages.changes.models import Change, Kind
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.authors import Author
from tags import curation, names, renaming, restriction, rights, vocabulary
from tags.admin.actions import propose
from tags.admin.ledger import is_id
from tags.admin.plans import Plan, Refused, images, named, number_of
from tags.admin.typed_tags import TagField, TagsField, tag_named, tags_named
from tags.models import Tag


class RenameForm(forms.Form):
    """Another name, and what becomes of the old one."""

    name = forms.CharField(max_length=names.MAX_LENGTH, label="New name")
    keep_old = forms.BooleanField(required=False, label="Keep the old name as an alias")


class NamesForm(forms.Form):
    """The names of other tags."""

    names = TagsField(label="Tags")


class OfForm(forms.Form):
    """The name of another tag."""

    of = TagField(label="Alias of")


def rename(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To give it another name on every image."""
    form = _form(request, RenameForm, {"name": tag.name, "keep_old": True})
    number = number_of([tag], viewer_of_staff(request))
    plan = Plan(f"Rename “{tag.name}”", number, button="Show what happens", tags=[tag], form=form)
    if not form.is_valid():
        return plan
    name, keep_old = names.entered(form.cleaned_data["name"]), form.cleaned_data["keep_old"]
    if name == tag.name:
        raise Refused(f"It is called “{name}” already.")
    rights.check_change(tag, by, name)
    plan.says = _says_of_rename(tag, name, keep_old)

    @transaction.atomic
    def does() -> tuple[str, str]:
        old = tag.name
        renaming.rename(tag, name, by, keep_old=keep_old)
        change = _recorded(tag)
        if change is None:
            return f"“{old}” is called “{name}” now.", ""
        page = reverse("admin:changes_change_change", args=[change])
        words = "“{}” is called “{}” now. To take it back, undo <a href='{}'>change {}</a>."
        return format_html(words, old, name, page, change), ""

    plan.does, plan.button = does, f"Rename it “{name}”"
    return plan


def merge(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To make other tags this one, by a change that shows its own plan."""
    form = _form(request, NamesForm)
    says = ["The next page shows what a merge would do. Nothing happens before."]
    plan = Plan(f"Merge into “{tag.name}”", "", says, "Show the plan", form=form, at_once=True)
    if form.is_valid():
        sources = tags_named(form.cleaned_data["names"], viewer_of_staff(request))
        _check_all(sources, by)
        plan.does = partial(propose, sources, tag, by)
    return plan


def alias(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To have it stand for another tag."""
    form = _form(request, OfForm)
    plan = Plan(f"Make “{tag.name}” an alias", button="Show what happens", tags=[tag], form=form)
    if form.is_valid():
        of = tag_named(form.cleaned_data["of"], viewer_of_staff(request))
        rights.check_change(of, by)
        _become_aliases(request, plan, [tag], of, by)
    return plan


def add_aliases(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To have other names stand for it: of tags that there are, and new ones."""
    form = _form(request, NamesForm)
    plan = Plan(f"Aliases of “{tag.name}”", button="Show what happens", form=form)
    if not form.is_valid():
        return plan
    given = form.cleaned_data["names"]
    there = {one.name: one for one in Tag.objects.filter(name__in=given)}
    _check_all(list(there.values()), by)
    for name in given:
        restriction.check([name], by)
    new = [name for name in given if name not in there]
    _become_aliases(request, plan, list(there.values()), tag, by, new)
    return plan


def unalias(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To have an alias of it be a tag of its own again."""
    own = _other(request, vocabulary.aliases_of(tag)) if tag.alias_of_id is None else tag
    rights.check_change(own, by)

    @transaction.atomic
    def does() -> tuple[str, str]:
        vocabulary.unalias(own, by)
        return f"“{own.name}” is a tag of its own again.", ""

    viewer, target = viewer_of_staff(request), vocabulary.canonical(own)
    says = [
        f"“{own.name}” is a tag of its own again, with the images that have it itself: "
        f"they do not count as images of “{target.name}” any more.",
        "To take it back, make it an alias again.",
    ]
    return Plan(
        f"“{own.name}” as a tag of its own",
        images(_itself(own, viewer)),
        says,
        "Make it a tag of its own",
        does,
        [own],
    )


def add_parents(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To have it imply other tags."""
    form = _form(request, NamesForm)
    title, button = f"What “{tag.name}” implies", "Show what happens"
    plan = Plan(title, number_of([tag], viewer_of_staff(request)), button=button, form=form)
    if form.is_valid():
        parents = _named_targets(request, form, by)

        @transaction.atomic
        def does() -> tuple[str, str]:
            vocabulary.imply(tag, [*vocabulary.parents_of(tag), *parents], by)
            _log(request, tag, f"Implies {named(parents)}.")
            return f"“{tag.name}” implies {named(parents)}.", ""

        plan.tags, plan.does, plan.button = parents, does, "Have it imply these"
        plan.says = [
            f"Images with “{tag.name}” are found by {named(parents)} where implied tags are asked "
            "for. Nothing changes on images.",
            "To take it back, remove the parent here.",
        ]
    return plan


def add_children(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To have other tags imply it."""
    form = _form(request, NamesForm)
    plan = Plan(f"What implies “{tag.name}”", button="Show what happens", form=form)
    if form.is_valid():
        children = _named_targets(request, form, by)

        @transaction.atomic
        def does() -> tuple[str, str]:
            for child in children:
                vocabulary.imply(child, [*vocabulary.parents_of(child), tag], by)
            _log(request, tag, f"Implied by {named(children)}.")
            return f"{named(children)}: implying “{tag.name}” now.", ""

        plan.number = number_of(children, viewer_of_staff(request))
        plan.tags, plan.does, plan.button = children, does, "Have these imply it"
        plan.says = [
            f"These images are found by “{tag.name}” where implied tags are asked for. Nothing "
            "changes on images.",
            "To take it back, remove the child here.",
        ]
    return plan


def remove_parent(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To have it imply one of its parents no longer."""
    parent = _other(request, vocabulary.parents_of(tag))
    return _unimply(request, tag, parent, by)


def remove_child(request: HttpRequest, tag: Tag, by: Author) -> Plan:
    """To have one of its children imply it no longer."""
    child = _other(request, vocabulary.children_of(tag))
    return _unimply(request, child, tag, by)


# By the last part of their addresses; those that have no form of their own are posted to.
DEEDS: dict[str, Callable[[HttpRequest, Tag, Author], Plan]] = {
    "rename": rename,
    "merge": merge,
    "alias": alias,
    "aliases": add_aliases,
    "unalias": unalias,
    "parents": add_parents,
    "children": add_children,
    "unparent": remove_parent,
    "unchild": remove_child,
}


def _says_of_rename(tag: Tag, name: str, keep_old: bool) -> list[str]:
    says = [f"“{tag.name}” is called “{name}” on all of these images, and wherever it is shown."]
    other = Tag.objects.filter(name=name).first()
    if other is not None and other.alias_of_id == tag.pk:
        moving = len(renaming.images_to_move(other))
        says.append(
            f"“{name}” is an alias of it already, and gives its name back: {images(moving)} with "
            "the alias itself get the tag."
        )
    elif other is not None:
        raise Refused(f"Another tag is named “{name}”. Merge the two instead.")
    if keep_old:
        says.append(f"“{tag.name}” stays as an alias: who writes or asks for it means this tag.")
    else:
        says.append(f"“{tag.name}” is free afterwards: who writes it makes another tag.")
    aliases = vocabulary.aliases_of(tag).count()
    rules = vocabulary.parents_of(tag).count() + vocabulary.children_of(tag).count()
    if aliases or rules:
        says.append(
            f"What it has besides stays: aliases ({aliases:,}), implications ({rules:,}), values."
        )
    return [*says, "It is recorded as a change, which can be undone."]


def _become_aliases(
    request: HttpRequest,
    plan: Plan,
    there: Sequence[Tag],
    of: Tag,
    by: Author,
    new: Sequence[str] = (),
) -> None:
    """Complete a plan by which tags that there are, and new names, become aliases of another."""
    words = ", ".join(f"“{name}”" for name in (*(one.name for one in there), *new))

    @transaction.atomic
    def does() -> tuple[str, str]:
        for one in there:
            vocabulary.alias(one, of, by)
        for name in new:
            vocabulary.alias(curation.create(name, by), of, by)
        return f"{words}: an alias of “{vocabulary.canonical(of).name}” now.", ""

    plan.number = number_of(there, viewer_of_staff(request)) if there else images(0)
    plan.tags, plan.does, plan.button = there, does, f"Make it an alias of “{of.name}”"
    plan.says = [
        f"Who writes or asks for {words} means “{of.name}” from then on.",
        "These images keep their links, and count as images of it; to have the links moved, merge "
        "instead.",
        "To take it back, make the alias a tag of its own again.",
    ]


def _unimply(request: HttpRequest, child: Tag, parent: Tag, by: Author) -> Plan:
    for one in (child, parent):
        rights.check_change(one, by)

    @transaction.atomic
    def does() -> tuple[str, str]:
        left = [one for one in vocabulary.parents_of(child) if one.pk != parent.pk]
        vocabulary.imply(child, left, by)
        return f"“{child.name}” does not imply “{parent.name}” any more.", ""

    return Plan(
        f"“{child.name}” without “{parent.name}”",
        number_of([child], viewer_of_staff(request)),
        [
            f"Images with “{child.name}” are not found by “{parent.name}” any more. Nothing "
            "changes on images.",
            "To take it back, add it again.",
        ],
        "Do not imply it",
        does,
        [child],
    )


def _form(request: HttpRequest, form: Any, initial: Any = None) -> forms.Form:
    made: forms.Form = form(request.POST) if request.method == "POST" else form(initial=initial)
    return made


def _named_targets(request: HttpRequest, form: forms.Form, by: Author) -> list[Tag]:
    """The tags of a form, aliases as their targets, that the author may change."""
    found = tags_named(form.cleaned_data["names"], viewer_of_staff(request))
    found = vocabulary.targets(found)
    _check_all(found, by)
    return found


def _check_all(tags: Sequence[Tag], by: Author) -> None:
    """Raise Refused where one of some tags is not the author's to change."""
    refused = rights.refused_changes(tags, by)
    for tag in tags:
        if tag.pk in refused:
            raise Refused(f"“{tag.name}” is not yours to change: {refused[tag.pk]}")


def _other(request: HttpRequest, among: Any) -> Tag:
    """The tag that a request names by its id. Raises Refused."""
    given = request.POST.get("tag") or request.GET.get("tag", "")
    found: Tag | None = among.filter(pk=int(given)).first() if is_id(given) else None
    if found is None:
        raise Refused("That has been changed meanwhile.")
    return found


def _itself(alias: Tag, viewer: Any) -> int:
    return count_by_tag([alias.pk], viewer)[alias.pk]


def _recorded(tag: Tag) -> int | None:
    """The change that the database has made of a rename a moment ago."""
    made = Change.objects.filter(kind=Kind.RENAME, operation__rename__id=tag.pk)
    return made.order_by("-pk").values_list("pk", flat=True).first()


def _log(request: HttpRequest, tag: Tag, message: str) -> None:
    user: Any = request.user
    LogEntry.objects.log_actions(user.pk, Tag.objects.filter(pk=tag.pk), CHANGE, message)
