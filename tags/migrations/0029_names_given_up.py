"""Names that tags had, and rules about a tag, are found in the vocabulary's ledger by indexes
(tags.past.vocabulary). Most lines tell of a tag that came, and are in none of them."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models
from django.db.models import Case, F, Q, When

from taggedimages.postgresql.folding import Folded
from taggedimages.postgresql.operations import BuildIndex

FORMER_NAME = Case(When(kind="renamed", then=F("old_name")), default=F("name"))
GAVE_UP_A_NAME = Q(kind__in=["renamed", "deleted"])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0028_ledger_vacuumed"), ("images", "0014_folded_texts")]

    operations = [
        BuildIndex(
            "vocabularychange",
            models.Index(
                fields=["other_id", "tag_id", "at"],
                name="vocabularychange_of_other",
                condition=Q(other_id__isnull=False),
            ),
        ),
        BuildIndex(
            "vocabularychange",
            models.Index(
                FORMER_NAME, F("at"), name="vocabularychange_former_name", condition=GAVE_UP_A_NAME
            ),
        ),
        BuildIndex(
            "vocabularychange",
            GinIndex(
                OpClass(Folded(FORMER_NAME), name="gin_trgm_ops"),
                name="vocabularychange_former_part",
                condition=GAVE_UP_A_NAME,
            ),
        ),
    ]
