"""What earlier releases of a data set bind the next ones to."""

from django.db import models
from django.db.models import Value

from search.models import BitField


class SplitHistory(models.Model):
    """The splits of all releases of a data set: written with each of them, so that of two that are
    built at once the later begins anew."""

    dataset = models.OneToOneField(
        "datasets.Dataset", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    # Buckets of the first release and of the last one, which has the most.
    first_test = models.PositiveIntegerField()
    first_validation = models.PositiveIntegerField()
    test = models.PositiveIntegerField()
    validation = models.PositiveIntegerField()
    # Splits of the groups that were ever pinned, by their hashes in hexadecimal digits.
    pins = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))

    def __str__(self) -> str:
        return f"splits of {self.dataset_id}"


class SplitSet(models.Model):
    """Images in one block of ids that were in a split of any release of a data set: bit n is the
    image `block * BLOCK + n`."""

    pk = models.CompositePrimaryKey("dataset_id", "split", "block")
    dataset = models.ForeignKey(
        "datasets.Dataset", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    split = models.CharField(max_length=16)
    block = models.IntegerField()
    bits = BitField()

    class Meta:
        db_table = "datasets_splitset"

    def __str__(self) -> str:
        return f"{self.split}, block {self.block} of {self.dataset_id}"
