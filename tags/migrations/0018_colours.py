"""A colour is # and six hexadecimal digits; what else was stored becomes the one that was shown.

The table is checked without keeping anybody from writing it.
"""

from typing import Any

import django.core.validators
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

import tags.colours

PATTERN = "^#[0-9A-Fa-f]{6}$"
GREY = "#7D7D7D"


def mend(apps: Any, schema_editor: Any) -> None:
    apps.get_model("tags", "Tag").objects.exclude(color__regex=PATTERN).update(color=GREY)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0017_normal_names")]

    operations = [
        migrations.AlterField(
            "tag",
            "color",
            models.CharField(
                default=tags.colours.pick,
                max_length=7,
                validators=[
                    django.core.validators.RegexValidator(
                        r"\A#[0-9A-Fa-f]{6}\Z", "Give # and six hexadecimal digits."
                    )
                ],
            ),
        ),
        AddConstraintNotValid(
            "tag",
            models.CheckConstraint(
                condition=models.Q(color__regex=PATTERN), name="tag_color_is_one"
            ),
        ),
        migrations.RunPython(mend, migrations.RunPython.noop),
        ValidateConstraint("tag", "tag_color_is_one"),
    ]
