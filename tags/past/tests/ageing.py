"""Time that goes by in a test: all that has happened so far happened some time earlier."""

import time

from django.db import connection

AGE = """
SET LOCAL session_replication_role = replica;
UPDATE tags_tagchange SET changed_at = changed_at - make_interval(secs => %(seconds)s);
UPDATE tags_vocabularychange SET at = at - make_interval(secs => %(seconds)s);
UPDATE images_image SET registered_at = registered_at - make_interval(secs => %(seconds)s);
SET LOCAL session_replication_role = origin
"""
FORGET = """
SET LOCAL session_replication_role = replica;
UPDATE images_image SET registered_at = NULL WHERE id = %(image)s;
SET LOCAL session_replication_role = origin
"""
HOUR = 3_600


def let_pass(seconds: int = HOUR) -> int:
    """Let some time go by, in the test's transaction; an instant in the midst of it, epoch seconds.

    What happens next has happened now.
    """
    with connection.cursor() as cursor:
        cursor.execute(AGE, {"seconds": seconds})
    return int(time.time()) - seconds // 2


def forget_when_it_came(image_id: int) -> None:
    """Make the record of an image one of those that are older than the memory of it."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"image": image_id})
