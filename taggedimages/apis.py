"""The published APIs, a line each: which paths are its own, and how it refuses."""

import re

from taggedimages.dialects.atmosphere import conventions as atmosphere
from taggedimages.dialects.ims import conventions as ims
from taggedimages.dialects.sharinpix import conventions as sharinpix
from taggedimages.http.refusals import Api
from taggedimages.v1 import errors as v1

# The first that fits; the last fits everything.
APIS = (
    Api("atmosphere", re.compile(r"/(current/)?api/v2(/|$)"), True, atmosphere.respond),
    Api("sharinpix", re.compile(r"/api/v1(/|$)"), True, sharinpix.respond),
    Api("ims", re.compile(r"/v[23](/|$)|/v1/([^/]+/)?cloudimages(/|$)"), False, ims.respond),
    Api("v1", re.compile(""), True, v1.respond),
)
