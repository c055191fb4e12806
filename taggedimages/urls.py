"""One line for each published API; the admin and the docs."""

from django.contrib import admin
from django.urls import include, path

from taggedimages.datasets.v1.keys import keys
from taggedimages.datasets.v1.program import program
from taggedimages.http import docs

admin.autodiscover()
admin.site.site_header = admin.site.site_title = "taggedimages"
# "View site" leads to no page: there is none but these.
admin.site.site_url = None

urlpatterns = [
    # What is asked for most comes first: each line that does not match takes its time.
    path("v1/", include("search.v1.urls")),
    path("v1/", include("images.v1.urls")),
    path("v1/", include("tags.v1.urls")),
    path("v1/", include("taggedimages.changes.v1.urls")),
    # No name of a data set has a dot.
    path("v1/datasets/fetch.py", program),
    path("v1/", include("taggedimages.datasets.v1.urls")),
    path("v1/", include("taggedimages.datasets.contracts.v1.urls")),
    path("v1/openapi.json", docs.document),
    path(".well-known/jwks.json", keys),
    path("docs", docs.browse, name="docs"),
    path("api/v1/", include("taggedimages.dialects.sharinpix.urls")),
    path("api/v2/", include("taggedimages.dialects.atmosphere.urls")),
    path("current/api/v2/", include("taggedimages.dialects.atmosphere.urls")),
    path("", include("taggedimages.dialects.ims.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "taggedimages.http.refusals.bad_request"
handler403 = "taggedimages.http.refusals.forbidden"
handler404 = "taggedimages.http.refusals.not_found"
handler500 = "taggedimages.http.refusals.failed"
