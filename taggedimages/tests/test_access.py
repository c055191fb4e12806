"""Who sees what: every route of the service, for every kind of caller, images in every state.

Each API has two tables. The first says for each caller (rows) and each audience (columns) which
images it is for, a letter a state:

    p public   n not uploaded   m of its project: its members' to see   v private
    e ended   t trashed   w private and trashed   u unclaimed   d deleted
    *          all of them, or the route has nothing to do with a single image
    -          none
    pn!        these are seen, but what is asked is not allowed: the API's own refusal
    n=409      these get an answer of their own
    401        the same refusal whatever the state

The second says for each route its audience, what the images that it is for are answered, what
the others are, and the body that is sent. A `+` says that the image shows in the answer, a `#`
that only the name of its tag does; otherwise neither does, nor after any refusal. A route that is
in no table fails the test.
"""

import pytest

from taggedimages.tests.access import anonymised, routes
from taggedimages.tests.matrix import Row, rows

pytestmark = pytest.mark.django_db

V1 = """
                  file  read  parts    done      any  names store tagged
anonymous         p     pn    pn=403   p,n=409   *    pn    401   pn
Bearer other      pm    pnm   pnm=403  pm,n=409  *    pnm   401   pnm
Bearer editor     pm    pnm   pnm      pm,n=409  *    pnm   401   pnm
Bearer foreign    p     pn    pn=403   p,n=409   *    pn    401   pn
Bearer far-editor p     pn    pn=403   p,n=409   *    pn    401   pn
Bearer far-staff  p     pn    pn=403   p,n=409   *    pn    401   pn
Bearer owner      pmv   pnmv  pnmv     pmv,n=409 *    pnmv  401   pnmv
Bearer staff      pmv   pnmv  pnmv     pmv,n=409 *    pnmv  401   pnmv
Bearer super      pmv   pnmv  pnmv     pmv,n=409 *    *     401   pnmv,etwud=200
TOKEN owner       401   401   401      401       401  401   401   401
admin             401   401   401      401       401  401   401   401
store             p     pn    pn=403   p,n=409   *    pn    *     pn

GET    /v1/images                             read  200+ 200
GET    /v1/images.ndjson                      read  200+ 200
POST   /v1/images                             any   201  -    {"filename": "new.png"}
GET    /v1/images/{image}                     read  200+ 404
PUT    /v1/images/{image}                     read  200+ 404  {"tags": []}
DELETE /v1/images/{image}                     read  204  404
POST   /v1/images/{image}/complete            done  200+ 404
GET    /v1/images/{image}/history             read  200# 404
GET    /v1/images/{image}/parts               parts 409  404
DELETE /v1/images/{image}/parts               parts 204  404
GET    /v1/images/{image}/facts               read  200  404
GET    /v1/images/{image}/file                file  302  404
GET    /v1/images/{image}/similar             read  200  404
GET    /v1/images/{twin}/similar              read  200+ 200
POST   /v1/images/lookup                      read  200+ 200  {"sha256": ["{sha256}"]}
POST   /v1/upload                             any   201  -    {"filename": "new.png", "image_data": "eA=="}
POST   /v1/hooks/s3                           store 204  -    {"Records": []}
GET    /v1/tags                               names 200# 200
POST   /v1/tags                               any   201  -    {"name": "new"}
GET    /v1/tags/{tag}                         names 200# 404
PUT    /v1/tags/{tag}                         names 200  404  {"name": "new"}
DELETE /v1/tags/{tag}                         names 204  404
GET    /v1/tags/{tag}/images                  tagged 200+ 404
GET    /v1/tags/{tag}/images.ndjson           tagged 200+ 404
GET    /v1/tags/{tag}/related                 names 200  404
GET    /v1/tags/suggest?q=mark                names 200# 200
GET    /v1/tags/suggest?q=ark                 names 200# 200
PUT    /v1/tags/{tag}                         names 200# 404  {"status": "deprecated"}
PUT    /v1/tags/{tag}                         names 200# 404  {"name": "new", "keep_old": true, "category": "x"}
POST   /v1/tags/{tag}/alias                   names 200# 404  {"of": {shared_id}}
POST   /v1/tags/{shared_id}/alias             names 200# 400  {"of": {tag}}
DELETE /v1/tags/{tag}/alias                   names 204  404
POST   /v1/tags/{tag}/merge                   names 202# 404  {"from": [{shared_id}]}
POST   /v1/tags/{shared_id}/merge             names 202# 400  {"from": [{tag}]}
POST   /v1/tags/{tag}/implications            names 200# 404  {"parents": []}
POST   /v1/tags/{shared_id}/implications      names 200# 400  {"parents": [{tag}]}
GET    /v1/search/images?exact_tags=shared    read  200+ 200
GET    /v1/search/images?match_tags=mark-%25  read  200+ 200
GET    /v1/search/images.ndjson?any_tags=shared read 200+ 200
"""  # noqa: E501

# What is proposed is for those images that the caller sees; a change that is there is the owner's.
CHANGES = """
                  read  any  mine  change          whole apply
anonymous         pn    *    -     -               -     -
Bearer other      pnm   *    -     -               -     -
Bearer editor     pnm   *    -     -               -     -
Bearer foreign    pn    *    -     -               -     -
Bearer far-editor pn    *    -     -               -     -
Bearer far-staff  pn    *    -     -               -     -
Bearer owner      pnmv  *    pnmv  pnmv,etwud=200  *     pnmv,etwud=202
Bearer staff      pnmv  *    pnmv  pnmv,etwud=200  *     pnmv,etwud=202
Bearer super      pnmv  *    pnmv  pnmv,etwud=200  *     pnmv,etwud=202
TOKEN owner       401   401  401   401             401   401
admin             401   401  401   401             401   401
store             pn    *    -     -               -     -

GET    /v1/changes                        mine   200# 200
GET    /v1/changes?created_by=owner       mine   200# 200
POST   /v1/changes                        read   202# 202 {"query": {"filename": "canary"}, "operation": {"add": ["new"]}}
POST   /v1/changes                        read   202# 202 {"query": {"everything": true}, "operation": {"replace": []}}
GET    /v1/changes/{change}               change 200# 404
DELETE /v1/changes/{change}               whole  204  404
POST   /v1/changes/{change}/apply         apply  202# 404 {"digest": "{digest}"}
POST   /v1/changes/{change}/apply         whole  412  404 {"digest": "another"}
POST   /v1/changes/{change}/stop          whole  409  404
POST   /v1/changes/{change}/resume        whole  409  404
POST   /v1/changes/{change}/undo          whole  409  404
GET    /v1/changes/{change}/images        change 200+ 404
GET    /v1/changes/{change}/images.ndjson change 200+ 404
POST   /v1/tags/{shared_id}/merge         read   202# 202 {"from": [{common}]}
"""  # noqa: E501

# A data set is its project's; the owner's has one release. What comes without a login sees and
# makes its own, as everybody may here.
DATASETS = """
                  any  set  line
anonymous         *    -    -
Bearer other      *    *    pnmetud,vw=200
Bearer editor     *    *    pnmetud,vw=200
Bearer foreign    *    -    -
Bearer far-editor *    -    -
Bearer far-staff  *    -    -
Bearer owner      *    *    *
Bearer staff      *    *    *
Bearer super      *    *    *
TOKEN owner       401  401  401
admin             401  401  401
store             *    -    -

GET    /v1/datasets                                any 200 -
POST   /v1/datasets                                any 201 -   {"name": "new"}
POST   /v1/datasets                                any 409 -   {"name": "{dataset}"}
GET    /v1/datasets/{dataset}                      set 200 404
GET    /v1/datasets/{dataset}/releases             set 200 404
POST   /v1/datasets/{dataset}/releases             set 422 404 {"query": {"everything": true}}
GET    /v1/datasets/{dataset}/releases/{number}    set 200 404
GET    /v1/datasets/{dataset}/releases/{number}/statement set 200 404
POST   /v1/datasets/{dataset}/releases/{number}/retire    set 200 404
GET    /v1/datasets/{dataset}/releases/{number}/members                  line 200+ 404
GET    /v1/datasets/{dataset}/releases/{number}/members?format=csv       line 200+ 404
GET    /v1/datasets/{dataset}/releases/{number}/members?format=aria2     line 200+ 404
GET    /v1/datasets/{dataset}/releases/{number}/members?format=sagemaker line 200+ 404
GET    /v1/datasets/{dataset}/releases/{number}/members?format=sha256sum line 200+ 404
POST   /v1/datasets/{dataset}/releases/{number}/urls      line 200+ 404 {"ids": [{image}]}
GET    /v1/datasets/{dataset}/releases/{number}/diff?with={number} set 200 404
GET    /v1/datasets/{dataset}/releases/{number}/croissant set 200 404
POST   /v1/datasets/{dataset}/releases/{number}/verify    set 200 404
"""

# A contract is its project's, too; each of the owner's is for the image of one state, which breaks
# it.
CONTRACTS = """
                  any  set  own  judged failing
anonymous         *    -    -    404    400
Bearer other      *    *    *    pnm    pnm
Bearer editor     *    *    *    pnm    pnm
Bearer foreign    *    -    -    404    400
Bearer far-editor *    -    -    404    400
Bearer far-staff  *    -    -    404    400
Bearer owner      *    *    *    pnmv   pnmv
Bearer staff      *    *    *    pnmv   pnmv
Bearer super      *    *    -    pnmv   pnmv
TOKEN owner       401  401  401  401    401
admin             401  401  401  401    401
store             *    -    -    404    400

GET    /v1/contracts                        set     200# 200
GET    /v1/contracts/{contract}             set     200# 404
PUT    /v1/contracts/{any}                  any     201  -   {"when": {"everything": true}, "rules": [{"at_most": 9}]}
PUT    /v1/contracts/{contract}             own     200  201 {"when": {"everything": true}, "rules": [{"at_most": 9}]}
DELETE /v1/contracts/{contract}             set     204  404
GET    /v1/contracts/{contract}/versions    set     200# 404
GET    /v1/contracts/{contract}/report      judged  200+ 200
GET    /v1/search/images?failing={contract} failing 200+ 200
"""  # noqa: E501

ATMOSPHERE = """
                 read ended   edit  revive  any  known names staff
anonymous        pn   pn      403   403     *    403   pn    403
TOKEN other      pnm  pnm     pnm!  pnm!    *    *     pnm   403
TOKEN foreign    pn   pn      pn!   pn!     *    *     pn    403
TOKEN editor     pnm  pnm     pnm   pnm     *    *     pnm   403
TOKEN far-editor pn   pn      pn!   pn!     *    *     pn    403
TOKEN owner      pnmv pnmvetw pnmv  pnmvetw *    *     pnmv  403
TOKEN staff      pnmv pnmvetw pnmv  pnmvetw *    *     pnmv  pnmv
TOKEN far-staff  pn   pn      pn!   pn!     *    *     pn    pn!
TOKEN super      pnmv pnmvetw pnmv  pnmvetw *    *     *     *
Bearer owner     pn   pn      403   403     *    403   pn    403
admin            pn   pn      403   403     *    403   pn    403

GET    {mount}/images                             read   200+ 200
GET    {mount}/images?include_ended=true          ended  200+ 200
GET    {mount}/images?search=canary&ordering=name read   200+ 200
GET    {mount}/images?tag_name=shared             read   200+ 200
GET    {mount}/images/{image}                     read   200+ 404
GET    {mount}/images/{uuid}?include_ended=true   ended  200+ 404
PATCH  {mount}/images/{uuid}                      edit   200+ 404 {"tags": []}
PATCH  {mount}/images/{uuid}?include_ended=true   revive 200+ 404 {"end_date": null}
PUT    {mount}/images/{image}                     edit   200+ 404 {"name": "new"}
GET    {mount}/images?project_id=lab              read   200+ 200
GET    {mount}/image_versions                     read   200+ 200
GET    {mount}/image_versions?image_id={uuid}     read   200+ 200
GET    {mount}/image_versions/{uuid}              read   200+ 404
GET    {mount}/image_tags                         read   200+ 200
GET    {mount}/image_tags?tag__name=shared        read   200+ 200
GET    {mount}/image_tags?image={uuid}            read   200+ 200
POST   {mount}/image_tags                         edit   200+ 400 {"image": "{image}", "tag": "{tag}"}
GET    {mount}/image_tags/{link}                  read   200+ 404
DELETE {mount}/image_tags/{link_uuid}             edit   204  404
GET    {mount}/tags                               names  200# 200
POST   {mount}/tags                               known  201  -   {"name": "new", "description": "new"}
GET    {mount}/tags/{tag}                         names  200# 404
PUT    {mount}/tags/{tag}                         staff  200  404 {"name": "new", "description": "new"}
PATCH  {mount}/tags/{tag}                         staff  200# 404 {"description": "new"}
DELETE {mount}/tags/{tag}                         staff  204  404
GET    {mount}/version                            any    200  -
GET    {mount}/tokens/{any}                       known  404  -
"""  # noqa: E501

SHARINPIX = """
                read links edit  trash untrash claim      any new  names define upload sign page
anonymous       401  401   401   401   401     401        401 401  401   401    401    401  pm
Bearer owner    401  401   401   401   401     401        401 401  401   401    401    401  401
admin           pnmv pnmv  pnmv  etw   etw     pmv,nu=400 *   *    pnmv  pnmv   *      *    pm
far-admin       -    -     -     -     -       -          *   *    pn    pn!    *      *    pm
album           pnmv pnmv  pnmv  etw   etw     pmv,nu=400 *   *    pnmv  pnmv!  *      *    pm
viewer          pnmv pnmv  pnmv! -     etw!    pnmvu!     *   401  pnmv  pnmv!  401    *    pm
other-album     -    -     -     -     -       -          *   *    pn    pn!    401    401  pm
query           pnmv -     pnmv! -     etw!    pnmvu!     *   401  pnmv  pnmv!  401    401  pm
session owner   pnmv pnmv  pnmv  etw   etw     pmv,nu=400 *   *    pnmv  pnmv   *      *    pm
session other   pnm  pnm   pnm   et    et      pm,nu=400  *   *    pnm   pnm    *      *    pm
session editor  pnm  pnm   pnm   et    et      pm,nu=400  *   *    pnm   pnm    *      *    pm
session staff   pnmv pnmv  pnmv  etw   etw     pmv,nu=400 *   *    pnmv  pnmv   *      *    pm
session foreign -    -     -     -     -       -          *   *    pn    pn!    *      *    pm
session super   -    -     -     -     -       -          *   *    *     *      *      *    pm

GET    /api/v1/tag_images                         links   200+ 200
GET    /api/v1/tag_images?image_id={uuid}         links   200+ 200
GET    /api/v1/tag_images?tag_name=shared         links   200+ 200
GET    /api/v1/tag_images?album_id=case           links   200+ 200
DELETE /api/v1/tag_images/{link_uuid}             edit    204  404
GET    /api/v1/tags                               names   200# 200
POST   /api/v1/tags                               new     200  -   {"name": "new"}
GET    /api/v1/tags_token                         any     200  -
GET    /api/v1/tags/autocomplete?q=mark           names   200# 200
POST   /api/v1/tags/{name}/tag_images             edit    200+ 401 {"image_ids": ["{uuid}"]}
GET    /api/v1/tags/{shared}/public_tags          page    200+ 200
PUT    /api/v1/tags/{tag_uuid}                    define  200# 404 {"visible": true}
PUT    /api/v1/tags/{tag_uuid}?public=true        define  200# 404 {}
GET    /api/v1/albums/{album}/images              read    200+ 200
DELETE /api/v1/images                             edit    200+ 200 {"image_ids": ["{uuid}"]}
GET    /api/v1/images/{uuid}                      read    200+ 404
PUT    /api/v1/images/{uuid}                      edit    200+ 404 {"title": "new", "rotation": 90}
DELETE /api/v1/images/{uuid}                      edit    204  404
GET    /api/v1/images/{uuid}/user                 read    200  404
GET    /api/v1/search                             read    200+ 200
GET    /api/v1/search?q=canary                    read    200+ 200
GET    /api/v1/trashed_images                     trash   200+ 200
DELETE /api/v1/trashed_images/{uuid}              untrash 200+ 404
POST   /api/v1/storages/{any}/storage_files       upload  200  -   {"album_id": "case", "name": "new.png"}
PUT    /api/v1/storage_files/{uuid}               claim   200+ 404 {"infos": "<PostResponse><Key>{key}</Key></PostResponse>"}
POST   /api/v1/token                              sign    200  -   {"permission": {"abilities": {"case": {"Access": {"see": true}}}}}
"""  # noqa: E501

IMS = """
                 list single file       edit project away  change private login  own
anonymous        401  401    401        401  401     401   401    401     401   401
Bearer owner     401  401    401        401  401     401   401    401     401   401
X-Auth owner     pnmv pnmv   pmv,n=204  pnmv pnmv    403   403    mv      *     *
X-Auth other     pnmv pnmv   pmv,n=204  pnmv pnmv    403   403    mv      *     *
X-Auth editor    pnmv pnmv   pmv,n=204  pnmv pnmv    403   403    mv      *     *
X-Auth staff     pnmv pnmv   pmv,n=204  pnmv pnmv    403   403    mv      *     *
X-Auth foreign   -    pn     p,n=204    pn!  403     pn    pn!    -       *     403
X-Auth far-staff -    pn     p,n=204    pn!  403     pn    pn!    -       *     403
X-Auth super     -    pn     p,n=204    pn!  403     pn    pn!    -       *     403

GET    /v2/cloudimages                                   list    200+ 200
GET    /v2/images                                        list    200+ 200
GET    /v2/images?tag=shared&limit=100                   list    200+ 200
GET    /v2/images/{uuid}                                 single  200+ 404
GET    /v2/images?visibility=private                     private 200+ 200
GET    /v2/images/{uuid}/file                            file    302  404
GET    /v2/images/{uuid}/members                         single  200  404
PATCH  /v2/cloudimages/{uuid}                            edit    200+ 404 [{"op": "replace", "path": "/name", "value": "new"}]
PATCH  /v2/images/{uuid}                                 edit    200+ 404 [{"op": "replace", "path": "/tags", "value": []}]
PUT    /v2/images/{uuid}/tags/{name}                     edit    204  404
DELETE /v2/images/{uuid}/tags/{name}                     edit    204  404
GET    /v2/{lab}/images/tags                             project 200# 200
POST   /v2/{lab}/images/resource_instances/action        project 200+ 200 {"action": "filter"}
GET    /v2/{lab}/images/{uuid}/tags                      project 200# 404
GET    /v2/{far}/images/{uuid}/tags                      away    200# 404
POST   /v2/{lab}/images/{uuid}/tags                      project 204  404 {"tag": {"key": "new", "value": ""}}
POST   /v2/{far}/images/{uuid}/tags                      change  204  404 {"tag": {"key": "new", "value": ""}}
POST   /v2/{lab}/images/{uuid}/tags/action               project 204  404 {"action": "delete", "tags": [{"key": "x"}]}
POST   /v2/{far}/images/{uuid}/tags/action               change  204  404 {"action": "delete", "tags": [{"key": "x"}]}
DELETE /v2/{lab}/images/{uuid}/tags/action               project 204  404
DELETE /v2/{lab}/images/{uuid}/tags/{name}               project 204  404
DELETE /v2/{far}/images/{uuid}/tags/{name}               change  204  404
GET    /v1/cloudimages/tags                              list    200# 200
PUT    /v1/cloudimages/tags                              edit    204  404 {"image_id": "{uuid}", "tag": "new"}
GET    /v3/auth/tokens                                   login   400  -
GET    /v3/auth/catalog                                  login   200  -
GET    /v3/auth/projects                                 login   200  -
GET    /v3/projects                                      login   200  -
GET    /v3/projects/{lab}                                own     200  -
DELETE /v1/{lab}/cloudimages/{uuid}/tags/delete          project 204  404 {"tags": [{"key": "shared"}]}
DELETE /v1/{far}/cloudimages/{uuid}/tags/delete          change  204  404 {"tags": [{"key": "shared"}]}
"""  # noqa: E501

PAGES = """
             any nobody
anonymous    *   401
Bearer owner *   401
TOKEN owner  *   401
X-Auth owner *   401
admin        *   401

GET    /                             any    300 -
GET    /v2                           any    300 -
GET    /v2/                          any    300 -
GET    /versions                     any    200 -
GET    /v2/schemas/image             any    200 -
GET    /v2/schemas/images            any    200 -
GET    /v2/schemas/{any}             any    404 -
GET    /v3                           any    200 -
GET    /v3/                          any    200 -
GET    /docs                         any    200 -
GET    /.well-known/jwks.json        any    200 -
GET    /v1/datasets/fetch.py         any    200 -
GET    /v1/openapi.json              any    200 -
GET    /v2/openapi.json              any    200 -
GET    /api/v1/openapi.json          any    200 -
GET    /api/v2/openapi.json          any    200 -
GET    /current/api/v2/openapi.json  any    200 -
GET    /healthz                      any    200 -
GET    /readyz                       any    200 -
GET    /admin/                       any    302 -
POST   /v3/auth/tokens               nobody -   -   {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "owner", "password": "wrong"}}}}}
"""  # noqa: E501

# The tables, and what `!` is in each.
TABLES = (
    (V1, ""),
    (CHANGES, ""),
    (DATASETS, ""),
    (CONTRACTS, ""),
    (ATMOSPHERE.replace("{mount}", "/api/v2"), "403"),
    (ATMOSPHERE.replace("{mount}", "/current/api/v2"), "403"),
    (SHARINPIX, "401"),
    (IMS, "403"),
    (PAGES, ""),
)


ROWS = [row for table in TABLES for row in rows(*table)]
# What has to do with the corpus, unlike the pages.
DATA = [row for table in TABLES[:-1] for row in rows(*table)]
# A read that hands out URLs to write to, and those whose question is too long for a URL.
NOT_AS_THEIR_METHOD = (
    "GET /v1/images/{image}/parts",
    "POST /v1/images/lookup",
    "POST /v1/datasets/{dataset}/releases/{number}/urls",
)
READS = [row for row in ROWS if row.method == "GET"]


def test_every_route_of_the_service_is_in_a_table():
    assert {f"{row.method} {anonymised(row.path)}" for row in ROWS} == routes()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_caller_is_told_what_the_table_says(corpus, row):
    callers, subjects = corpus
    assert {caller: row.told(callers[caller], subjects) for caller in row.expected} == row.expected


@pytest.mark.parametrize("row", READS, ids=str)
def test_head_is_told_as_much_without_a_body(corpus, row):
    callers, subjects = corpus
    head = Row("HEAD", row.path, row.body, row.expected)
    private = {"v": subjects["v"]}
    for caller, expected in row.expected.items():
        assert head.told(callers[caller], private) == {"private": expected["private"].strip("+#")}


# Who may do most in each API, so that nothing else refuses first.
BEST = ("Bearer staff", "TOKEN staff", "session staff", "X-Auth staff")


def test_a_method_that_no_table_has_is_405(corpus):
    callers, subjects = corpus
    known = {f"{row.method} {anonymised(row.path)}" for row in ROWS}
    for path, best in {
        row.path: name for row in DATA for name in BEST if name in row.expected
    }.items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
            if f"{method} {anonymised(path)}" not in known and "{far}" not in path:
                other = Row(method, path, "{}", {})
                assert other.told(callers[best], {"p": subjects["p"]}) == {"public": "405"}, other


@pytest.mark.parametrize("row", DATA, ids=str)
def test_where_anonymous_callers_may_do_nothing_they_are_refused(corpus, settings, row):
    callers, subjects = corpus
    settings.ANONYMOUS = "none"
    told = row.told(callers["anonymous"], {"p": subjects["p"]})
    assert told["public"] in ("401", "403")


@pytest.mark.parametrize("row", DATA, ids=str)
def test_where_anonymous_callers_only_read_they_write_nothing(corpus, settings, row):
    callers, subjects = corpus
    settings.ANONYMOUS = "read-only"
    told = row.told(callers["anonymous"], {"p": subjects["p"]})
    if (row.method == "GET") != (str(row) in NOT_AS_THEIR_METHOD):
        assert told["public"] == row.expected["anonymous"]["public"]
    else:
        assert told["public"] in ("401", "403")
