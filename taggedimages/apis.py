"""The published APIs, a line each: which paths are its own, and how it refuses."""

import re

from taggedimages.dialects.atmosphere import conventions as atmosphere
from taggedimages.dialects.ims import conventions as ims
from taggedimages.dialects.sharinpix import conventions as sharinpix
from taggedimages.http.refusals import Api
from taggedimages.v1 import errors as v1

# The first that fits; the last fits everything. What is near an API's paths, such as another
# version or slashes too many, is answered in its shape: whoever asked can read that.
APIS = (
    Api("sharinpix", re.compile(r"/+api/+v1(?!\d)", re.IGNORECASE), True, sharinpix.respond),
    Api("atmosphere", re.compile(r"/+(current|api)(/|$)", re.IGNORECASE), True, atmosphere.respond),
    Api(
        "ims",
        re.compile(
            r"/+(v[2-9]|versions\b|schemas\b)|/+v1/+([^/]+/+)?cloudimages(/|$)", re.IGNORECASE
        ),
        False,
        ims.respond,
    ),
    Api("v1", re.compile(""), True, v1.respond),
)
