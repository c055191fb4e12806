"""The WSGI application, for any WSGI server."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taggedimages.settings")
os.environ.setdefault("TAGGEDIMAGES_SERVES_REQUESTS", "true")

application = get_wsgi_application()

# What was loaded stays, and a page makes and drops thousands of objects: the collector would look
# through both over and over, for a twentieth of the time of a request.
gc.collect()
gc.freeze()
gc.set_threshold(2_000, 10, 5)
