"""Who is shown which image: all forms of the rule, held against one telling of it in Python.

The forms are those of `images.visibility`. A state of an image is one of each: public, of its
project or private; by the owner, somebody else or nobody; of a project; created in the past or
ahead; without an end, ended or ending. Images that deletion, restoring and unclaimed uploads leave
are among them too. The mover was of the project `elsewhere` and is now of the default one.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection
from django.utils import timezone

from images import deletion, editing
from images.models import Image
from images.visibility import (
    CLOCK_TOLERANCE,
    EVERYBODY,
    LATEST_CREATED_SQL,
    NOBODY,
    OF_PROJECT,
    Viewer,
    Visibility,
    audience_of_creator,
    audience_of_members,
    default_visibility,
)
from taggedimages.factories import TESTS, make_image, make_pending, make_tag, make_user
from taggedimages.identity.models import Project, User
from taggedimages.postgresql.fragments import Fragment, MissingNeed, compose, statement
from tags import tagging
from tags.models import ImageTag

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = timedelta(hours=1)
OWNERS = ("owner", "other", "mover", None)
PROJECTS = ("default", "elsewhere")
# From now. Created ahead of this clock, but within what clocks may differ, is created.
STARTS = (-HOUR, timedelta(seconds=30), HOUR)
ENDS = (None, -HOUR, HOUR)
CALLERS = (
    *("nobody", "anonymous", "owner", "other", "mover", "editor"),
    *("staff", "staff-elsewhere", "superuser"),
)
DEFAULT_MEMBERS = ("owner", "mover", "editor", "staff")
# By the function of the database: the images whose audience is among some, or for staff any.
AUDIENCES = """
SELECT id FROM images_image,
    LATERAL (SELECT images_audience(visibility, ended_at, created_by_id, project_id) AS audience) a
WHERE audience = ANY(%s) OR %s = 'superuser' AND audience IS NOT NULL
"""
VIEWERS = (*CALLERS, "project default", "project elsewhere", "project of nothing")


@pytest.fixture
def people(settings) -> dict[str, Any]:
    """Callers by name."""
    editor = make_user("editor")
    editor.groups.add(Group.objects.get_or_create(name=settings.EDITOR_GROUP)[0])
    make_user("mover", project_id="elsewhere")
    superuser = make_user("superuser")
    superuser.is_superuser = True
    superuser.save()
    return {
        "nobody": None,
        "anonymous": AnonymousUser(),
        "owner": make_user("owner"),
        "other": make_user("other", project_id="elsewhere"),
        "mover": make_user("mover", project_id="default"),
        "editor": editor,
        "staff": make_user("staff", staff=True),
        "staff-elsewhere": make_user("staff-elsewhere", staff=True, project_id="elsewhere"),
        "superuser": superuser,
    }


@pytest.fixture
def images(people) -> list[Image]:
    """An image in every state that there is, all with one tag."""
    now = timezone.now()
    for visibility, by, project, start, end in product(Visibility, OWNERS, PROJECTS, STARTS, ENDS):
        make_image(
            "x",
            visibility=visibility,
            by=people.get(by),
            project_id=project,
            created_at=now + start,
            ended_at=None if end is None else now + end,
        )
    trashed, restored, deleted, unclaimed = (make_image("x") for _ in range(4))
    deletion.trash(trashed, restored)
    deletion.restore(restored)
    deletion.delete(deleted)
    Image.objects.filter(pk=unclaimed.pk).update(
        ended_at=unclaimed.created_at, trashed_at=unclaimed.created_at
    )
    make_pending("x", private=True)
    for user in filter(None, people.values()):
        if isinstance(user, User):
            user.refresh_from_db()
    return list(Image.objects.select_related("created_by"))


def viewer_named(name: str, people: dict[str, Any]) -> Viewer:
    """A caller, or a project as such."""
    if name in CALLERS:
        return Viewer.of(people[name])
    return Viewer(audiences=None, project=name.removeprefix("project ").removeprefix("of "))


def is_for(name: str, image: Image) -> bool:
    """The rule but for the time."""
    if name.startswith("project "):
        return name == f"project {image.project_id}"
    if image.visibility == Visibility.PUBLIC or name == "superuser":
        return True
    if name == ("staff" if image.project_id == "default" else "staff-elsewhere"):
        return True
    if image.visibility == Visibility.PROJECT:
        return (name in DEFAULT_MEMBERS) if image.project_id == "default" else name == "other"
    return image.created_by is not None and image.created_by.username == name


def is_current(image: Image) -> bool:
    """The rule of the time."""
    ended = image.ended_at is not None and image.ended_at <= timezone.now()
    return not ended and image.created_at <= timezone.now() + CLOCK_TOLERANCE


def ids_where(images: Collection[Image], rule: Callable[[Image], bool]) -> set[int]:
    return {image.pk for image in images if rule(image)}


def rows(statement: str, values: Any = ()) -> set[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {row[0] if len(row) == 1 else row for row in cursor.fetchall()}


def ids_by(statement: str, *, provides: str, condition: Fragment) -> set[Any]:
    """What a statement with a condition in it finds."""
    asked = compose(statement, provides={provides}, condition=condition)
    return rows(asked.text, asked.parameters)


def audience_of(image: Image) -> Any:
    """What the database keeps on the image's only link: its creation time and its audience."""
    return ImageTag.objects.values_list("image_created_at", "audience").get(image=image.pk)


def private_of(user: Any) -> int:
    """The audience of the private images that a user makes."""
    return audience_of_creator(user.project.number, user.pk)


# --- The forms -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VIEWERS)
def test_every_form_shows_each_viewer_what_the_rule_says(people, images, name):
    viewer = viewer_named(name, people)
    open_to = ids_where(images, lambda image: is_for(name, image))
    current = ids_where(images, is_current)
    unended = ids_where(images, lambda image: image.ended_at is None)
    assert current < {image.pk for image in images}

    # 1. Conditions of querysets.
    assert set(Image.objects.filter(viewer.image_q()).values_list("pk", flat=True)) == open_to
    links = ImageTag.objects.filter(viewer.unended_link_q())
    assert set(links.values_list("image", flat=True)) == open_to & unended
    # 2. SQL on a record.
    assert open_to & current == ids_by(
        "SELECT i.id FROM images_image i WHERE {condition}",
        provides="i",
        condition=viewer.image_predicate(),
    )
    # 3. SQL on a link, with one alias and another.
    assert open_to & unended == ids_by(
        "SELECT l.image_id FROM tags_imagetag l WHERE {condition}",
        provides="l",
        condition=viewer.link_predicate(),
    )
    assert open_to & current == ids_by(
        "SELECT other.image_id FROM tags_imagetag other WHERE {condition}",
        provides="other",
        condition=viewer.current_link_predicate("other"),
    )
    # 4. and 5. The numbers that a viewer belongs to, and those that the database gives images.
    if viewer.project is None:
        assert open_to & unended == rows(AUDIENCES, [list(viewer.audiences or ()), name])


@pytest.mark.parametrize("name", CALLERS)
def test_querysets_show_each_caller_what_the_rule_says(people, images, name):
    user = people[name]
    open_to = ids_where(images, lambda image: is_for(name, image))
    current = ids_where(images, is_current)
    assert set(Image.objects.current().values_list("pk", flat=True)) == current
    assert set(Image.objects.open_to(user).values_list("pk", flat=True)) == open_to
    assert set(Image.objects.visible_to(user).values_list("pk", flat=True)) == open_to & current
    links = ImageTag.objects.visible_to(user)
    assert set(links.values_list("image", flat=True)) == open_to & current


@pytest.mark.parametrize("project", PROJECTS)
def test_a_project_may_name_its_own_images_and_the_public_ones_of_others(images, project):
    named = set(Image.objects.visible_from(project).values_list("pk", flat=True))
    public_or_own = ids_where(images, lambda i: not i.visibility or i.project_id == project)
    assert named == public_or_own & ids_where(images, is_current)


def test_the_audience_kept_on_each_link_is_the_function_s_of_its_image(images, people):
    kept = rows("SELECT image_id, image_created_at, audience FROM tags_imagetag")
    given = rows(
        "SELECT id, created_at, images_audience(visibility, ended_at, created_by_id, project_id)"
        " FROM images_image"
    )
    assert kept == given
    numbers = [Project.objects.get(id=project).number for project in PROJECTS]
    makers = [people[by].pk if by else NOBODY for by in OWNERS]
    assert {audience for _, _, audience in kept} == {
        *(None, EVERYBODY),
        *map(audience_of_members, numbers),
        *(audience_of_creator(number, maker) for number, maker in product(numbers, makers)),
    }


def test_a_link_s_creation_time_bounds_what_is_created(images):
    created = rows(
        f"SELECT image_id FROM tags_imagetag WHERE image_created_at <= {LATEST_CREATED_SQL}"
    )
    assert created == ids_where(images, lambda i: i.created_at <= timezone.now() + CLOCK_TOLERANCE)


def test_a_predicate_is_refused_where_its_alias_lacks():
    for condition in (Viewer.of(None).image_predicate(), Viewer.of(None).link_predicate("x")):
        with pytest.raises(MissingNeed):
            statement("SELECT FROM tags_imagetag l WHERE {condition}", condition=condition)


@pytest.mark.parametrize(
    ("anonymous", "said", "default"),
    [
        ("open", "", "public"),
        ("read-only", "", "public"),
        ("none", "", "project"),
        ("none", "public", "public"),
        ("open", "private", "private"),
        ("read-only", "project", "project"),
    ],
)
def test_what_comes_in_is_shown_as_the_service_is_set(settings, anonymous, said, default):
    settings.ANONYMOUS, settings.VISIBILITY = anonymous, said
    assert default_visibility().label == default


# --- Links follow their image --------------------------------------------------------------------


@pytest.fixture
def image(people) -> Image:
    return make_image("x", by=people["owner"], created_at=NOW)


def test_a_new_link_carries_its_image_s_time_and_audience(image, people):
    assert audience_of(image) == (NOW, EVERYBODY)
    private = make_image("x", by=people["owner"], private=True, created_at=NOW - HOUR)
    assert audience_of(private) == (NOW - HOUR, private_of(people["owner"]))


@pytest.mark.parametrize("change", ["save", "update", "edit", "sql"])
def test_links_follow_their_image_whatever_makes_it_private(image, people, change):
    match change:
        case "save":
            image.visibility = 2
            image.save()
        case "update":
            Image.objects.all().update(visibility=2)
        case "edit":
            editing.edit(image, {"visibility": 2})
        case "sql":
            rows("UPDATE images_image SET visibility = 2 RETURNING id")
    assert audience_of(image) == (NOW, private_of(people["owner"]))


def test_links_follow_an_image_to_its_end_and_back(image):
    for end in (deletion.trash, deletion.delete):
        Image.objects.update(deleted_at=None, ended_at=None)
        assert audience_of(image) == (NOW, EVERYBODY)
        end(image)
        assert audience_of(image) == (NOW, None)
        deletion.restore(image)
    Image.objects.update(deleted_at=None, ended_at=None)
    editing.edit(image, {"ended_at": NOW + HOUR})
    assert audience_of(image) == (NOW, None)


def test_links_follow_their_image_to_another_project(image):
    image.visibility = Visibility.PROJECT
    image.save()
    assert audience_of(image) == (NOW, audience_of_members(image.project.number))
    image.project = Project.objects.create(id="another")
    image.save()
    number = Project.objects.get(id="another").number
    assert audience_of(image) == (NOW, audience_of_members(number))


def test_a_user_who_moves_sees_private_images_of_before_and_no_others_of_that_project(people):
    mine = make_image(by=people["owner"], private=True)
    of_members = make_image(by=people["owner"], visibility=Visibility.PROJECT)
    moved = make_user("owner", project_id="elsewhere")
    assert set(Image.objects.visible_to(moved)) == {mine}
    assert moved.other_projects == [mine.project.number]
    # What a form read before the move and sends back does not undo it.
    people["owner"].project_id = "elsewhere"
    people["owner"].save()
    assert make_user("owner").other_projects == [mine.project.number]
    returned = make_user("owner", project_id="default")
    assert set(Image.objects.visible_to(returned)) == {mine, of_members}
    assert mine.project.number not in returned.other_projects


def test_links_follow_a_creation_time_that_is_corrected(image):
    Image.objects.update(created_at=NOW - HOUR)
    assert audience_of(image) == (NOW - HOUR, EVERYBODY)


def test_a_private_image_whose_owner_is_gone_is_staff_s(image, people):
    editing.edit(image, {"visibility": 2})
    people["owner"].delete()
    assert audience_of(image) == (NOW, image.project.number * OF_PROJECT + NOBODY)
    left = [name for name in CALLERS if name != "owner"]
    shown_to = [name for name in left if Image.objects.visible_to(people[name]).exists()]
    assert shown_to == ["staff", "superuser"]


def test_a_link_that_is_moved_carries_what_its_new_image_is(image, people):
    other = make_image(by=people["other"], private=True, created_at=NOW - HOUR)
    rows("UPDATE tags_imagetag SET image_id = %s RETURNING id", [other.pk])
    assert audience_of(other) == (NOW - HOUR, private_of(people["other"]))


def test_links_made_by_plain_sql_and_in_bulk_carry_it_too(image, people):
    private = make_image(by=people["other"], private=True, created_at=NOW - HOUR)
    ended = make_image(ended_at=NOW, created_at=NOW - HOUR)
    tag = make_tag("y")
    rows(
        "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
        " SELECT gen_random_uuid(), id, %s, '' FROM images_image WHERE id <> %s RETURNING id",
        [tag.pk, image.pk],
    )
    assert audience_of(private) == (NOW - HOUR, private_of(people["other"]))
    assert audience_of(ended) == (NOW - HOUR, None)
    tagging.tag_each([image], [tag], TESTS)
    assert set(ImageTag.objects.filter(image=image).values_list("audience", flat=True)) == {0}
