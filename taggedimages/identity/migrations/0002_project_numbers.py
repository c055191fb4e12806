"""Projects get numbers, from which audiences are made; users know where else they have images.

An audience says whom an image is shown to as one number (images.visibility), and has room for the
number of a project but not for its id. Whoever moves to another project goes on seeing private
images of their own in those left behind.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

SEQUENCE = "CREATE SEQUENCE identity_project_number"
DROP_SEQUENCE = "DROP SEQUENCE identity_project_number"
OWN_SEQUENCE = "ALTER SEQUENCE identity_project_number OWNED BY identity_project.number"
DISOWN_SEQUENCE = "ALTER SEQUENCE identity_project_number OWNED BY NONE"

REMEMBER = """
CREATE FUNCTION identity_remember_project() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Nothing is forgotten that another transaction has added since the row was read.
    SELECT coalesce(array_agg(number ORDER BY number), '{}') INTO NEW.other_projects FROM (
        (SELECT unnest(OLD.other_projects || NEW.other_projects) AS number
         UNION SELECT p.number FROM identity_project p WHERE p.id = OLD.project_id)
        EXCEPT SELECT p.number FROM identity_project p WHERE p.id = NEW.project_id
    ) others;
    RETURN NEW;
END $$;
CREATE TRIGGER remember_project BEFORE UPDATE ON identity_user
    FOR EACH ROW WHEN (
        OLD.project_id <> NEW.project_id
        OR OLD.other_projects IS DISTINCT FROM NEW.other_projects)
    EXECUTE FUNCTION identity_remember_project();
"""
FORGET = """
DROP TRIGGER remember_project ON identity_user;
DROP FUNCTION identity_remember_project();
"""


class Migration(migrations.Migration):
    dependencies = [("identity", "0001_initial")]

    operations = [
        migrations.RunSQL(SEQUENCE, DROP_SEQUENCE),
        migrations.AddField(
            "project",
            "number",
            models.BigIntegerField(
                unique=True,
                editable=False,
                db_default=models.Func(models.Value("identity_project_number"), function="nextval"),
            ),
        ),
        migrations.RunSQL(OWN_SEQUENCE, DISOWN_SEQUENCE),
        migrations.AddConstraint(
            "project",
            models.CheckConstraint(
                condition=models.Q(number__gte=1, number__lte=200_000),
                name="project_number_in_range",
            ),
        ),
        migrations.AddField(
            "user",
            "other_projects",
            django.contrib.postgres.fields.ArrayField(
                models.BigIntegerField(), db_default=[], editable=False, default=list
            ),
        ),
        migrations.RunSQL(REMEMBER, FORGET),
    ]
