"""The ASGI application: the WSGI application behind the web front (taggedimages.serving)."""

# First, since it says what the settings are and that requests are served.
from taggedimages import wsgi
from taggedimages.serving.gateway import Gateway

application = Gateway(wsgi.application)
