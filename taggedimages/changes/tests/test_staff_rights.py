"""Changes that staff propose in the admin are of their project, whatever else they may see."""

import pytest

from search.query import Query, TagValues
from taggedimages.changes import lifecycle, operations
from taggedimages.changes.models import Change, State
from taggedimages.factories import make_image, make_user
from taggedimages.identity.authors import ADMIN, Author
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db


def proposed(user: User, through: str) -> Change:
    """A change of all images with a tag."""
    by = Author(user, through)
    knees = Query(with_all=(TagValues("knee"),))
    operation = operations.Operation(add=(operations.TagRef(None, "seen"),))
    return lifecycle.propose(operation, knees, by)


def test_staff_change_their_project_and_its_private_images_and_nothing_public_of_others() -> None:
    mira = make_user("mira", project_id="lab", staff=True)
    own = make_image("knee", by=make_user("ada", project_id="lab"), private=True)
    make_image("knee", by=make_user("omar", project_id="far"))

    change = proposed(mira, ADMIN)

    assert change.state == State.PLANNED
    assert change.plan is not None
    assert (change.images, change.plan["forbidden"]) == (1, 0)
    assert [one["id"] for one in change.plan["sample"]] == [own.pk]
    elsewhere = proposed(mira, "v1").plan
    assert elsewhere is not None
    assert elsewhere["images"] + elsewhere["forbidden"] == 2


def test_superusers_change_all_projects() -> None:
    root = make_user("root")
    root.is_superuser = True
    root.save()
    make_image("knee", by=make_user("omar", project_id="far"), private=True)
    make_image("knee", by=make_user("mira", project_id="lab"))
    assert proposed(root, ADMIN).images == 2
