"""Who is shown an image has three steps: everybody, the members of its project, its creator.

Nobody sees more or less for it: what was private stays its creator's, everything else everybody's.
Here are the column and the new form of `images_audience`; triggers of tags and search take that up
in their own migrations, 0010 builds the walks through what an audience sees, 0011 drops the old.

An audience is 0 for everybody. Of an image that is not for everybody it is the number of its
project, times 2^32, plus 0 for the members, plus the id of the user whose private image it is, or
plus 2^32 - 1 for a private image of nobody. It is null where the image has an end.
"""

from django.db import migrations, models
from django.db.models import Q

# What is public never asks for the project, and is decided in the statement that calls this.
AUDIENCE = """
CREATE FUNCTION images_hidden_audience(visibility smallint, created_by bigint, project varchar)
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (p.number << 32)
           + CASE WHEN visibility = 1 THEN 0 ELSE coalesce(created_by, 4294967295) END
    FROM identity_project p WHERE p.id = project
$$;
CREATE FUNCTION images_audience(
    visibility smallint, ended_at timestamptz, created_by bigint, project varchar
)
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ended_at IS NOT NULL THEN NULL WHEN visibility = 0 THEN 0
                ELSE images_hidden_audience(visibility, created_by, project) END
$$;
"""
DROP_AUDIENCE = """
DROP FUNCTION images_audience(smallint, timestamptz, bigint, varchar);
DROP FUNCTION images_hidden_audience(smallint, bigint, varchar);
"""
# A private image that is not of its creator's project: the creator goes on seeing it.
REMEMBER = """
CREATE FUNCTION images_remember_creator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE identity_user u SET other_projects = u.other_projects || p.number
    FROM identity_project p
    WHERE u.id = NEW.created_by_id AND p.id = NEW.project_id
      AND u.project_id <> p.id AND p.number <> ALL(u.other_projects);
    RETURN NULL;
END $$;
CREATE TRIGGER remembered_by_creator AFTER INSERT ON images_image
    FOR EACH ROW WHEN (NEW.visibility = 2) EXECUTE FUNCTION images_remember_creator();
CREATE TRIGGER remembered_by_creator_again
    AFTER UPDATE OF visibility, created_by_id, project_id ON images_image
    FOR EACH ROW WHEN (
        NEW.visibility = 2
        AND (OLD.visibility, OLD.created_by_id, OLD.project_id)
            IS DISTINCT FROM (NEW.visibility, NEW.created_by_id, NEW.project_id))
    EXECUTE FUNCTION images_remember_creator();
UPDATE identity_user u SET other_projects = others.numbers FROM (
    SELECT i.created_by_id, array_agg(DISTINCT p.number) AS numbers
    FROM images_image i JOIN identity_user o ON o.id = i.created_by_id
    JOIN identity_project p ON p.id = i.project_id
    WHERE i.private AND i.project_id <> o.project_id GROUP BY 1
) others WHERE others.created_by_id = u.id;
"""
FORGET = """
DROP TRIGGER remembered_by_creator_again ON images_image;
DROP TRIGGER remembered_by_creator ON images_image;
DROP FUNCTION images_remember_creator();
"""


class Migration(migrations.Migration):
    dependencies = [("images", "0008_parts_of_names"), ("identity", "0002_project_numbers")]

    operations = [
        migrations.AddField(
            "image",
            "visibility",
            models.PositiveSmallIntegerField(
                choices=[(0, "public"), (1, "project"), (2, "private")], default=0, db_default=0
            ),
        ),
        migrations.RunSQL(
            "UPDATE images_image SET visibility = 2 WHERE private",
            "UPDATE images_image SET private = true WHERE visibility <> 0",
        ),
        migrations.RunSQL(REMEMBER, FORGET),
        migrations.RunSQL(AUDIENCE, DROP_AUDIENCE),
        migrations.AddConstraint(
            "image",
            models.CheckConstraint(
                condition=Q(visibility__in=[0, 1, 2]), name="image_visibility_known"
            ),
        ),
    ]
