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
    filename = f"filename*=UTF-8''{quote(image.filename, safe='')}"
    if facts is None or facts.problem:
        return storage.presign_get(image.key, disposition=f"attachment; {filename}")
    kind = "inline" if facts.format in SHOWN else "attachment"
    return storage.presign_get(image.key, facts.media_type, f"{kind}; {filename}")
