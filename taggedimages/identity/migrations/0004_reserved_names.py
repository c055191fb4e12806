"""Nobody new is named as records name whoever is not known; nothing changes in the table."""

import django.contrib.auth.validators
from django.db import migrations, models

import taggedimages.identity.models


class Migration(migrations.Migration):
    dependencies = [("identity", "0003_rate_limits")]

    operations = [
        migrations.AlterField(
            "user",
            "username",
            models.CharField(
                error_messages={"unique": "A user with that username already exists."},
                help_text="Letters, digits and @/./+/-/_ only.",
                max_length=150,
                unique=True,
                validators=[
                    django.contrib.auth.validators.UnicodeUsernameValidator(),
                    taggedimages.identity.models.check_reserved,
                ],
            ),
        )
    ]
