"""Sets of tags that a curator gives again and again: nine at most, each on a key."""

from collections.abc import Mapping

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Q

from taggedimages.identity.models import User

NUMBERS = range(1, 10)
# In one set; more are a list to be pasted.
MOST_NAMES = 20


class TagSet(models.Model):
    """The tags that a number gives, of one user, by name: one that is renamed is found by its
    alias, and one that there is not yet is made when it is given."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False, related_name="+")
    number = models.SmallIntegerField()
    names = ArrayField(models.TextField())

    class Meta:
        db_table = "tags_set"
        constraints = [
            models.UniqueConstraint(fields=["user", "number"], name="tag_set_once"),
            models.CheckConstraint(
                condition=Q(number__gte=NUMBERS[0], number__lte=NUMBERS[-1]),
                name="tag_set_has_a_key",
            ),
        ]

    def __str__(self) -> str:
        return f"set {self.number} of {self.user_id}"


def of(user: User) -> dict[int, list[str]]:
    """The names of each set of a user, by number, in order; one statement."""
    kept = TagSet.objects.filter(user=user).order_by("number")
    return dict(kept.values_list("number", "names"))


def write(user: User, sets: Mapping[int, list[str]]) -> None:
    """Make these all sets of a user; one without names is none."""
    kept = [
        TagSet(user=user, number=number, names=names) for number, names in sets.items() if names
    ]
    with transaction.atomic():
        # Two forms at once would both find nothing to delete.
        User.objects.select_for_update().get(pk=user.pk)
        TagSet.objects.filter(user=user).delete()
        TagSet.objects.bulk_create(kept)
