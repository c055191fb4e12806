"""Who changes what where not everybody changes everything: tables as those of `test_access.py`.

Those run where TAGGEDIMAGES_ANONYMOUS is `open`; the first of these where it is `read-only`, for
both values of TAGGEDIMAGES_PROJECT_EDITS. What is asked of tags: `shared` is on images of one
project alone, `common` on one of another as well.
"""

import pytest

from taggedimages.tests.matrix import rows

pytestmark = pytest.mark.django_db

V1 = """
                  read  members own   parts   done      any  tag  common locks
anonymous         pn    401     401   401     401       401  401  401    401
Bearer foreign    pn    pn!     pn!   pn!     p,n=409   *    403  403    403
Bearer far-editor pn    pn!     pn!   pn!     p,n=409   *    403  403    403
Bearer far-staff  pn    pn!     pn!   pn!     p,n=409   *    403  403    403
Bearer other      pnm   pnm     pnm!  pnm!    pm,n=409  *    *    403    403
Bearer editor     pnm   pnm     pnm   pnm     pm,n=409  *    *    403    403
Bearer owner      pnmv  pnmv    pnmv  pnmv    pmv,n=409 *    *    403    403
Bearer staff      pnmv  pnmv    pnmv  pnmv    pmv,n=409 *    *    403    *
Bearer super      pnmv  pnmv    pnmv  pnmv    pmv,n=409 *    *    *      *

GET    /v1/images/{image}          read   200+ 404
PUT    /v1/images/{image}          EDITS  200+ 404 {"tags": ["new"]}
PUT    /v1/images/{image}          EDITS  200+ 404 {"visibility": "private"}
PUT    /v1/images/{image}          EDITS  200+ 404 {"tags": [], "visibility": "public"}
DELETE /v1/images/{image}          EDITS  204  404
GET    /v1/images/{image}/parts    parts  409  404
DELETE /v1/images/{image}/parts    parts  204  404
POST   /v1/images/{image}/complete done   200+ 404
POST   /v1/images                  any    201  -    {"filename": "new.png"}
POST   /v1/upload                  any    201  -    {"filename": "new.png", "image_data": "eA=="}
POST   /v1/tags                    any    201  -    {"name": "new"}
PUT    /v1/tags/{shared_id}        tag    200  -    {"name": "new"}
DELETE /v1/tags/{shared_id}        tag    204  -
PUT    /v1/tags/{common}           common 200  -    {"name": "new"}
DELETE /v1/tags/{common}           common 204  -
PUT    /v1/tags/{shared_id}        tag    200  -    {"name": "new", "keep_old": true}
PUT    /v1/tags/{shared_id}        tag    200  -    {"status": "deprecated", "category": "new"}
PUT    /v1/tags/{shared_id}        locks  200  -    {"status": "locked"}
DELETE /v1/tags/{shared_id}/alias  tag    204  -
POST   /v1/tags/{shared_id}/alias  common 200  -    {"of": {common}}
POST   /v1/tags/{shared_id}/implications tag    200  - {"parents": []}
POST   /v1/tags/{shared_id}/implications common 200  - {"parents": [{common}]}
PUT    /v1/tags/{common}           common 200  -    {"name": "new", "keep_old": true}
PUT    /v1/tags/{common}           common 200  -    {"status": "deprecated"}
DELETE /v1/tags/{common}/alias     common 204  -
POST   /v1/tags/{common}/alias     common 200  -    {"of": {shared_id}}
POST   /v1/tags/{common}/implications common 200 -  {"parents": []}
"""

# Of images that somebody may not change, a plan tells only how many there are.
CHANGES = """
                  members own   change m-members m-own common
anonymous         401     401   401    401       401   401
Bearer foreign    -       -     -      403       403   403
Bearer far-editor -       -     -      403       403   403
Bearer far-staff  -       -     -      403       403   403
Bearer other      pnm     -     -      pnm       -     403
Bearer editor     pnm     pnm   -      pnm       pnm   403
Bearer owner      pnmv    pnmv  *      pnmv      pnmv  403
Bearer staff      pnmv    pnmv  *      pnmv      pnmv  403
Bearer super      pnmv    pnmv  *      pnmv      pnmv  pnmv

POST   /v1/changes                EDITS   202# 202 {"query": {"filename": "canary"}, "operation": {"add": ["new"]}}
DELETE /v1/changes/{change}       change  204  404
POST   /v1/changes/{change}/apply change  412  404 {"digest": "another"}
POST   /v1/tags/{action}/merge    m-EDITS 202# 202 {"from": [{shared_id}]}
POST   /v1/tags/{action}/merge    common  202# 202 {"from": [{common}]}
POST   /v1/changes                m-EDITS 202# 202 {"operation": {"merge": {"from": ["shared"], "into": "action"}}}
"""  # noqa: E501

ATMOSPHERE = """
                tag  common
anonymous       403  403
TOKEN owner     403  403
TOKEN editor    403  403
TOKEN staff     *    403
TOKEN far-staff 403  403
TOKEN super     *    *

PATCH  /api/v2/tags/{shared_id} tag    200 - {"description": "new"}
DELETE /api/v2/tags/{shared_id} tag    204 -
PATCH  /api/v2/tags/{common}    common 200 - {"description": "new"}
DELETE /api/v2/tags/{common}    common 204 -
"""

SHARINPIX = """
                tag  common
admin           *    401
far-admin       401  401
session other   *    401
session foreign 401  401
session super   *    *
viewer          401  401

PUT /api/v1/tags/{shared}      tag    200 - {"label": "new"}
PUT /api/v1/tags/{common_uuid} common 200 - {"label": "new"}
"""

# Of Featured and `shared`, where both are restricted; even where the service is `open`.
RESTRICTED = """
               staff
anonymous      403
Bearer owner   403
Bearer editor  403
Bearer staff   *
Bearer super   *

PUT    /v1/images/{image}   staff 200+ - {"tags": []}
PUT    /v1/images/{image}   staff 200+ - {"tags": ["shared", "FEATURED"]}
POST   /v1/images           staff 201  - {"filename": "new.png", "tags": ["Featured"]}
POST   /v1/upload           staff 201  - {"filename": "new.png", "image_data": "eA==", "tags": ["featured"]}
PUT    /v1/tags/{shared_id} staff 200  - {"name": "new"}
PUT    /v1/tags/{tag}       staff 200  - {"name": "featured"}
PUT    /v1/tags/{shared_id} staff 200  - {"status": "deprecated"}
PUT    /v1/tags/{tag}       staff 200# - {"status": "locked"}
POST   /v1/tags/{shared_id}/alias staff 200# - {"of": {tag}}
POST   /v1/tags/{tag}/alias       staff 200# - {"of": {shared_id}}
DELETE /v1/tags/{shared_id}/alias staff 204 -
POST   /v1/tags/{shared_id}/merge staff 202# - {"from": [{tag}]}
POST   /v1/tags/{tag}/merge       staff 202# - {"from": [{shared_id}]}
POST   /v1/tags/{shared_id}/implications staff 200 - {"parents": []}
POST   /v1/tags/{tag}/implications       staff 200# - {"parents": [{shared_id}]}
DELETE /v1/tags/{shared_id} staff 204  -
"""  # noqa: E501

RESTRICTED_ATMOSPHERE = """
             staff
TOKEN owner  403
TOKEN editor 403
TOKEN staff  *
TOKEN super  *

PATCH  /api/v2/images/{image}           staff 200+ - {"tags": []}
PATCH  /api/v2/images/{image}           staff 200+ - {"tags": ["shared", "featured"]}
POST   /api/v2/image_tags               staff 200+ - {"image": "{image}", "tag": "{shared_id}"}
DELETE /api/v2/image_tags/{shared_link} staff 204  -
PATCH  /api/v2/tags/{shared_id}         staff 200  - {"name": "new"}
PATCH  /api/v2/tags/{tag}               staff 200  - {"name": "featured"}
DELETE /api/v2/tags/{shared_id}         staff 204  -
"""

RESTRICTED_SHARINPIX = """
              staff
admin         401
album         401
session owner 401
session staff *

POST   /api/v1/tags/Featured/tag_images      staff 200+ - {"image_ids": ["{uuid}"]}
POST   /api/v1/tags/featured/tag_images      staff 200+ - {"image_ids": ["{uuid}"]}
DELETE /api/v1/tag_images/{shared_link_uuid} staff 204  -
PUT    /api/v1/tags/{shared}                 staff 200  - {"name": "new"}
PUT    /api/v1/tags/{tag_uuid}               staff 200  - {"name": "Featured"}
"""

RESTRICTED_IMS = """
             staff
X-Auth owner 403
X-Auth staff *

PUT    /v2/images/{uuid}/tags/Featured          staff 204 -
DELETE /v2/images/{uuid}/tags/shared            staff 204 -
POST   /v2/{lab}/images/{uuid}/tags             staff 204 - {"tag": {"key": "FEATURED", "value": ""}}
POST   /v2/{lab}/images/{uuid}/tags             staff 204 - {"tag": {"key": "shared", "value": "1"}}
POST   /v2/{lab}/images/{uuid}/tags/action      staff 204 - {"action": "create", "tags": [{"key": "featured", "value": ""}]}
POST   /v2/{lab}/images/{uuid}/tags/action      staff 204 - {"action": "delete", "tags": [{"key": "shared"}]}
DELETE /v2/{lab}/images/{uuid}/tags/shared      staff 204 -
PUT    /v1/cloudimages/tags                     staff 204 - {"image_id": "{uuid}", "tag": "featured"}
DELETE /v1/{lab}/cloudimages/{uuid}/tags/delete staff 204 - {"tags": [{"key": "shared"}]}
"""  # noqa: E501

MEMBERS, OWN = (
    [row for table in (V1, CHANGES) for row in rows(table.replace("EDITS", edits), "403")]
    for edits in ("members", "own")
)
OF_TAGS = [*rows(ATMOSPHERE, "403"), *rows(SHARINPIX, "401")]
OF_RESTRICTED = [
    row
    for table in (RESTRICTED, RESTRICTED_ATMOSPHERE, RESTRICTED_SHARINPIX, RESTRICTED_IMS)
    for row in rows(table, "")
]


@pytest.mark.parametrize(
    ("edits", "row"),
    [*(("members", row) for row in MEMBERS), *(("own", row) for row in OWN)],
    ids=str,
)
def test_where_strangers_only_read_the_table_says_who_writes(corpus, settings, edits, row):
    callers, subjects = corpus
    settings.ANONYMOUS, settings.PROJECT_EDITS = "read-only", edits
    assert {caller: row.told(callers[caller], subjects) for caller in row.expected} == row.expected


@pytest.mark.parametrize("row", OF_TAGS, ids=str)
def test_a_tag_is_changed_by_whose_project_alone_has_it(corpus, row):
    callers, subjects = corpus
    public = {"p": subjects["p"]}
    told = {caller: row.told(callers[caller], public)["public"] for caller in row.expected}
    assert told == {caller: cells["public"] for caller, cells in row.expected.items()}


@pytest.mark.parametrize("row", OF_RESTRICTED, ids=str)
def test_a_restricted_tag_is_staffs_through_every_api(corpus, settings, row):
    settings.RESTRICTED_TAGS = ["Shared", "Featured"]
    callers, subjects = corpus
    public = {"p": subjects["p"]}
    told = {caller: row.told(callers[caller], public)["public"] for caller in row.expected}
    assert told == {caller: cells["public"] for caller, cells in row.expected.items()}
