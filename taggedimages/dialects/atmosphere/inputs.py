"""What clients send: edits of images, links and tags (contract Atmosphere, bodies)."""

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from images.editing import MAX_DESCRIPTION_CHARACTERS, Changes
from images.models import Image
from images.visibility import Visibility
from taggedimages.dialects.atmosphere.references import NOBODY, ReferenceField, lookup
from taggedimages.http.fields import NameLength
from tags import spelling
from tags.models import Tag, TagQuerySet
from tags.names import fault, is_word

# What a tag is named by: ("pk", 7), ("uuid", "7c1d...") or ("name", "knee").
Key = tuple[str, Any]


class TagNameField(NameLength):
    """The name of a new tag: letters and digits of any script, spaces, `-` and `_`."""

    default_error_messages = {
        "characters": "Use letters, digits, spaces, hyphens and underscores only."
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=128, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not is_word(name, also=" -_"):
            self.fail("characters")
        if why := fault(name):
            raise serializers.ValidationError(why, "characters")
        return name


class TagInputSerializer(serializers.Serializer[Any]):
    """A tag to be made or changed."""

    name = TagNameField()
    description = serializers.CharField(max_length=1024)

    def to_internal_value(self, data: Any) -> Any:
        # What another API named may break the rules of this one, as long as it stays.
        if self.instance and getattr(data, "get", lambda _: None)("name") == self.instance.name:
            self.fields["name"] = serializers.CharField(trim_whitespace=False)
        return super().to_internal_value(data)


class ImageTagInputSerializer(serializers.Serializer[Any]):
    """A link to be made. The context says which images and tags the caller may name."""

    image = ReferenceField()
    tag = ReferenceField()


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": ["string", "integer", "object"]},
        "description": "Names, ids, or objects with an `id` or a `name`; replaces the set.",
    }
)
class TagSetField(serializers.Field[Any, Any, Any, Any]):
    """The tags that an image shall have, as their names; only new names must keep to the rules.

    The context has the tags that the caller may name by an id, as `tag`.
    """

    default_error_messages = {
        "not_a_list": 'Expected a list of items but got type "{type}".',
        "too_many": "At most {limit} tags.",
        "item": "Give names, ids, or objects with an id or a name.",
        "does_not_exist": 'Invalid pk "{id}" - object does not exist.',
    }

    def get_value(self, dictionary: Any) -> Any:
        if isinstance(dictionary, QueryDict):
            return dictionary.getlist("tags") or empty
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            self.fail("not_a_list", type=type(data).__name__)
        if len(data) > settings.MAX_LIST_ITEMS:
            self.fail("too_many", limit=settings.MAX_LIST_ITEMS)
        keys = [self.key(item) for item in data]
        known = _existing(keys, self.context["tag"])
        return [known.get(key) or self.new_name(key) for key in keys]

    def key(self, item: Any) -> Key:
        """What one item of the list names."""
        if isinstance(item, dict):
            if item.get("id") is not None:
                return self.key_of_id(item["id"])
            item = item.get("name")
        if isinstance(item, str):
            return "name", ANY_NAME.run_validation(item)
        return self.key_of_id(item)

    def key_of_id(self, id: Any) -> Key:
        """Where a tag is looked for whose integer id or uuid is given."""
        if isinstance(id, bool) or not isinstance(id, int | str):
            self.fail("item")
        asked = lookup(str(id))
        if asked is None or asked == NOBODY:
            self.fail("does_not_exist", id=id)
        (key,) = asked.items()
        return key

    def new_name(self, key: Key) -> str:
        """The name of a tag that is not there yet."""
        kind, value = key
        if kind != "name":
            self.fail("does_not_exist", id=value)
        return str(TagNameField().run_validation(value))


# Whatever the other APIs may have named a tag.
ANY_NAME = serializers.CharField(trim_whitespace=False)


def _existing(keys: list[Key], nameable: TagQuerySet) -> dict[Key, str]:
    """The names of the tags that are there, by each key that they have; ids are of those nameable,
    for a name that is given is known."""
    values = defaultdict(list)
    for kind, value in keys:
        values[kind].append(value)
    spelt = spelling.settled(values["name"])
    named = set(Tag.objects.filter(name__in=spelt.values()).values_list("name", flat=True))
    known: dict[Key, str] = {
        ("name", given): name for given, name in spelt.items() if name in named
    }
    if values.keys() & {"pk", "uuid"}:
        by_id = nameable.filter(Q(pk__in=values["pk"]) | Q(uuid__in=values["uuid"]))
        for tag in by_id:
            known |= {("pk", tag.pk): tag.name, ("uuid", str(tag.uuid)): tag.name}
    return known


class FlagField(serializers.BooleanField):
    """A truth that a form may leave out, too: absent is not false."""

    default_empty_html = empty


class ImageEditSerializer(serializers.Serializer[Any]):
    """An edit of an image; other fields of its body are ignored when sent."""

    name = serializers.CharField(max_length=256)
    description = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=MAX_DESCRIPTION_CHARACTERS
    )
    end_date = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Hidden from then on; null: never."
    )
    private = FlagField(required=False)
    is_public = FlagField(required=False, help_text="The opposite of `private`.")
    tags = TagSetField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "private" in attrs and attrs["private"] == attrs.get("is_public"):
            raise serializers.ValidationError(
                {"is_public": ["This contradicts what is sent as private."]}
            )
        return attrs

    def changes(self, image: Image) -> Changes:
        """The edit of an image in the words of the record.

        `private` is true for what is not public: one of its project is so already.
        """
        asked, changes = self.validated_data, Changes()
        if "name" in asked:
            changes["name"] = asked["name"]
        if "description" in asked:
            changes["description"] = asked["description"] or ""
        if "end_date" in asked:
            changes["ended_at"] = asked["end_date"]
        if "private" in asked or "is_public" in asked:
            if not asked.get("private", not asked.get("is_public")):
                changes["visibility"] = Visibility.PUBLIC
            elif image.visibility == Visibility.PUBLIC:
                changes["visibility"] = Visibility.PRIVATE
        return changes
