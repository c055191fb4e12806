"""An index for words in descriptions of tags, which most tags have none of: without it, a word is
looked for in every tag."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations
from django.db.models import Q

from taggedimages.postgresql.folding import Folded
from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0030_redaction")]

    operations = [
        BuildIndex(
            "tag",
            GinIndex(
                OpClass(Folded("description"), "gin_trgm_ops"),
                name="tag_description_folded",
                condition=~Q(description=""),
            ),
        ),
    ]
