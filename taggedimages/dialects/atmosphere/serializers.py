"""Images, links and tags as this API shows them, in either shape (contract Atmosphere, bodies)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from images.models import Image
from images.visibility import Visibility
from taggedimages.dialects.atmosphere.mounts import Mount
from taggedimages.http.rows import RowSerializer
from taggedimages.identity.authors import ANONYMOUS_NAME
from taggedimages.identity.models import User
from tags import restriction
from tags.models import ImageTag, Tag
from tags.page_links import LinkedTag

PROVIDER = "s3"


class MomentField(serializers.DateTimeField):
    """ISO 8601 in UTC with `Z`, in milliseconds where the second is not whole."""

    def to_representation(self, value: datetime) -> str:
        return moment(value)


def moment(value: datetime) -> str:
    """What `MomentField` shows."""
    timespec = "milliseconds" if value.microsecond >= 1000 else "seconds"
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


class UserSerializer(serializers.Serializer[User]):
    """A user in short; an anonymous one has a name and nothing else."""

    id = serializers.IntegerField(allow_null=True)
    uuid = serializers.UUIDField(allow_null=True)
    url = serializers.URLField(allow_null=True)
    username = serializers.CharField()


class TagSerializer(RowSerializer[Tag]):
    """Tag."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    name = serializers.CharField()
    description = serializers.CharField()
    allow_access = serializers.SerializerMethodField(
        help_text="Whether the caller may put it on images and take it off."
    )

    def get_url(self, tag: Tag | LinkedTag) -> str:
        return _mount(self).link("tags", tag.id)

    def get_allow_access(self, tag: Tag | LinkedTag) -> bool:
        return restriction.may_use(tag, self.context["user"])


class LinkedTagSerializer(TagSerializer):
    """Tag, as nested in a link."""

    user = serializers.SerializerMethodField(help_text="null: shared.")

    @extend_schema_field(UserSerializer(allow_null=True))
    def get_user(self, tag: Tag) -> dict[str, Any] | None:
        return user_in_short(tag.user, _mount(self)) if tag.user else None


@extend_schema_serializer(component_name="ImageSeedShape")
class ImageSerializer(RowSerializer[Image]):
    """Image, as in the seed documents. Wants `facts` and the links (`with_links`) fetched."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    name = serializers.CharField()
    description = serializers.CharField()
    icon = serializers.SerializerMethodField()
    created_by = serializers.SerializerMethodField(help_text="null: uploaded anonymously.")
    tags = serializers.SerializerMethodField()
    start_date = MomentField(source="created_at")
    end_date = MomentField(source="ended_at", allow_null=True)
    private = serializers.SerializerMethodField(help_text="Not for everybody.")
    is_public = serializers.SerializerMethodField()
    provider_images = serializers.SerializerMethodField(help_text="Stored files; [] before upload.")
    metrics_url = serializers.SerializerMethodField()
    access_list = serializers.SerializerMethodField()
    versions = serializers.SerializerMethodField()

    def get_url(self, image: Image) -> str:
        return _mount(self).link("images", image.pk)

    def get_icon(self, image: Image) -> str | None:
        return None

    def get_created_by(self, image: Image) -> int | None:
        return image.created_by_id

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_tags(self, image: Image) -> list[Any]:
        return [tag.name for tag in linked_tags(image, self.context)]

    def get_private(self, image: Image) -> bool:
        return image.visibility != Visibility.PUBLIC

    def get_is_public(self, image: Image) -> bool:
        return image.visibility == Visibility.PUBLIC

    def get_provider_images(self, image: Image) -> list[dict[str, Any]]:
        if image.uploaded_at is None:
            return []
        stored = {
            "id": image.pk,
            "provider": PROVIDER,
            "format": _format(image),
            "size": image.size,
            "start_date": moment(image.uploaded_at),
        }
        return [stored]

    def get_metrics_url(self, image: Image) -> str | None:
        return None

    def get_access_list(self, image: Image) -> list[str]:
        return []

    def get_versions(self, image: Image) -> list[str]:
        return []


@extend_schema_serializer(component_name="ImageDeployedShape")
class DeployedImageSerializer(ImageSerializer):
    """Image, as the last public server answered: creator and tags are objects."""

    @extend_schema_field(UserSerializer)
    def get_created_by(self, image: Image) -> Any:
        return user_in_short(image.created_by, _mount(self))

    @extend_schema_field(TagSerializer(many=True))
    def get_tags(self, image: Image) -> list[Any]:
        return _tags(image, self.context)


class LinkedImageSerializer(RowSerializer[Image]):
    """Image, as nested in a link."""

    id = serializers.IntegerField()
    url = serializers.SerializerMethodField()
    uuid = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    icon = serializers.SerializerMethodField()
    start_date = MomentField(source="created_at")
    end_date = MomentField(source="ended_at", allow_null=True)
    user = serializers.IntegerField(source="created_by_id", allow_null=True)
    tags = serializers.SerializerMethodField()

    def get_url(self, image: Image) -> str:
        return _mount(self).link("images", image.pk)

    def get_icon(self, image: Image) -> str | None:
        return None

    @extend_schema_field(TagSerializer(many=True))
    def get_tags(self, image: Image) -> list[Any]:
        return _tags(image, self.context)


class ImageTagSerializer(RowSerializer[ImageTag]):
    """Image tag: the link between an image and a tag."""

    id = serializers.IntegerField()
    url = serializers.SerializerMethodField()
    image = LinkedImageSerializer()
    tag = LinkedTagSerializer()

    def get_url(self, link: ImageTag) -> str:
        return _mount(self).link("image_tags", link.pk)


class VersionSerializer(serializers.Serializer[Any]):
    """The program, as a commit."""

    git_branch = serializers.CharField()
    git_sha = serializers.CharField(help_text="A digest of the program's files.")
    git_sha_abbrev = serializers.CharField()
    commit_date = serializers.DateTimeField(help_text="Of the youngest of these files.")


class KeySerializer(serializers.Serializer[Any]):
    """A token and whose it is."""

    class OwnerSerializer(serializers.Serializer[User]):
        """Whose it is."""

        username = serializers.CharField()

    key = serializers.CharField()
    user = OwnerSerializer()


def _mount(serializer: serializers.Serializer[Any]) -> Mount:
    mount: Mount = serializer.context["mount"]
    return mount


def linked_tags(image: Image, context: Mapping[str, Any]) -> Sequence[Tag | LinkedTag]:
    """The tags of an image: of a page those that the page fetched (`linked`), else all."""
    linked: Mapping[int, list[LinkedTag]] | None = context.get("linked")
    if linked is not None:
        return linked[image.pk]
    return [link.tag for link in image.imagetag_set.all()]


def _tags(image: Image, context: Any) -> list[dict[str, Any]]:
    # Its fields are made once a page.
    if "tag_serializer" not in context:
        context["tag_serializer"] = TagSerializer(context=context)
    write, shown = context["tag_serializer"].to_representation, context["tags"]
    tags = linked_tags(image, context)
    shown |= {tag.id: write(tag) for tag in tags if tag.id not in shown}
    return [shown[tag.id] for tag in tags]


def user_in_short(user: User | None, mount: Mount) -> dict[str, Any]:
    """What `UserSerializer` documents."""
    if user is None:
        return {"id": None, "uuid": None, "url": None, "username": ANONYMOUS_NAME}
    link = mount.link("users", user.pk)
    return {"id": user.pk, "uuid": str(user.uuid), "url": link, "username": user.username}


def _format(image: Image) -> str:
    """What the file turned out to be; until it was looked at, what its name says."""
    found = image.facts.format if hasattr(image, "facts") else ""
    return found or PurePath(image.filename).suffix.removeprefix(".").lower()
