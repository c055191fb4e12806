"""How a stored file is handed out: shown where inspection found a picture, else only saved."""

from urllib.parse import quote

from images import storage
from images.models import Image

# Of what else arrives, some is run by browsers: pages, scripts, SVG.
SHOWN = {"png", "jpeg", "gif", "webp", "tiff", "bmp", "avif", "heic"}


def url(image: Image) -> str:
    """A URL that reads the file, with the type that inspection found and never the sender's.

    Reads `image.facts`: fetch them with the images of a list.
    """
    facts = image.known_facts
    if facts is None or facts.problem:
        return url_of(image.key, image.filename)
    return url_of(image.key, image.filename, facts.format, facts.media_type)


def url_of(key: str, filename: str, format: str = "", media_type: str | None = None) -> str:
    """A URL that reads a file; without a type it is only saved, never shown."""
    filename = f"filename*=UTF-8''{quote(filename, safe='')}"
    if media_type is None:
        return storage.presign_get(key, disposition=f"attachment; {filename}")
    kind = "inline" if format in SHOWN else "attachment"
    return storage.presign_get(key, media_type, f"{kind}; {filename}")
