"""Rules between tags: /v1/tags/{id}/alias and /v1/tags/{id}/implications."""

from collections.abc import Iterator
from contextlib import contextmanager

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.visibility import Viewer
from taggedimages.http.errors import Conflict
from taggedimages.http.reading import read
from taggedimages.transactions import retried
from tags import shown, vocabulary
from tags.models import Tag
from tags.v1.access import author, check_change, check_target, held_tags, shown_tags
from tags.v1.details import detail_of
from tags.v1.serializers import AliasSerializer, ImplicationsSerializer, TagDetailSerializer


class TagRuleViewSet(GenericViewSet[Tag]):
    """What tags stand for besides themselves."""

    serializer_class = TagDetailSerializer

    @extend_schema(
        operation_id="aliasTag",
        summary="Make a tag an alias of another",
        description=(
            "From the next request on, in every process, its name finds, writes and completes as "
            "the target in `/v1`, the admin, commands and imports, and its id leads there. Links "
            "stay as they are and count as the target's; aliases that it has become the target's. "
            "Where `of` is an alias, the target of that is meant. Answers the target."
        ),
        request=AliasSerializer,
        responses=TagDetailSerializer,
    )
    @retried
    def alias(self, request: Request, id: str) -> Response:
        of = read(AliasSerializer, request.data)["of"]
        tag, (other,) = held_tags(request, id, "of", [of])
        target = vocabulary.canonical(other)
        for changed in (tag, target):
            check_change(request, changed)
        with _told_to(request):
            vocabulary.alias(tag, other, author(request))
        return _detail(request, target)

    @extend_schema(
        operation_id="unaliasTag",
        summary="Make an alias a tag of its own again",
        description="With the links and the implications that it has. Of a tag that is no alias, "
        "nothing changes.",
        responses={204: None},
    )
    @retried
    def unalias(self, request: Request, id: str) -> Response:
        tag, _ = held_tags(request, id)
        for changed in (tag, vocabulary.canonical(tag)):
            check_change(request, changed)
        if tag.alias_of_id is not None:
            vocabulary.unalias(tag, author(request))
            # Who brings a name back is shown it, whoever made it once.
            shown.made_by(author(request).user, [tag.name])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="setImplications",
        summary="Say which tags a tag implies",
        description=(
            "The list replaces the parents that the caller is shown; an empty one removes them. "
            "Nothing is stored on images: an image with the tag is found by its parents, and by "
            "theirs, where `implied=true` is asked for. Where tags would imply themselves, it is "
            "409 with the path as the message: `knee → joint → knee`."
        ),
        request=ImplicationsSerializer,
        responses=TagDetailSerializer,
    )
    @retried
    def implications(self, request: Request, id: str) -> Response:
        wanted = read(ImplicationsSerializer, request.data)["parents"]
        tag, named = held_tags(request, id, "parents", wanted)
        check_target(tag)
        check_change(request, tag)
        parents = {parent.pk: parent for parent in vocabulary.targets(named)}
        held = {parent.pk: parent for parent in vocabulary.parents_of(tag)}
        seen = set(shown_tags(request).filter(pk__in=held).values_list("pk", flat=True))
        unseen = [parent for pk, parent in held.items() if pk not in seen]
        for pk in sorted(parents.keys() ^ seen):
            check_change(request, (held | parents)[pk])
        with _told_to(request):
            vocabulary.imply(tag, [*parents.values(), *unseen], author(request))
        return _detail(request, tag)


def _detail(request: Request, tag: Tag) -> Response:
    return Response(detail_of(tag, Viewer.of(request.user)))


@contextmanager
def _told_to(request: Request) -> Iterator[None]:
    """Have refusals of rules name no tag that the caller is not shown."""
    try:
        yield
    except vocabulary.Cycle as cycle:
        named = shown_tags(request).filter(name__in=cycle.path)
        seen = set(named.values_list("name", flat=True))
        raise vocabulary.Cycle([name if name in seen else "…" for name in cycle.path]) from cycle
    except vocabulary.TooMany as error:
        most = vocabulary.MAX_DESCENDANTS
        raise Conflict(f"A tag would stand for more than {most:,} others.") from error
