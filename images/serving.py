"""How a stored file is handed out: shown where inspection found a picture, else only saved."""

from collections.abc import Callable

from images import keys, storage
from images.models import Image

# Of what else arrives, some is run by browsers: pages, scripts, SVG.
SHOWN_FORMATS = {"png", "jpeg", "gif", "webp", "tiff", "bmp", "avif", "heic"}
OCTETS = "application/octet-stream"


def url(image: Image, method: str = "GET") -> str:
    """A URL that reads the file, with the type that inspection found and never the sender's.

    Reads `image.facts`: fetch them with the images of a list. For HEAD it takes another URL.
    """
    facts = image.known_facts
    if facts is None or facts.problem:
        return urls(method)(image.key, image.filename, None, None)
    return urls(method)(image.key, image.filename, facts.format, facts.media_type)


def urls(method: str = "GET") -> Callable[[str, str, str | None, str | None], str]:
    """What makes the URLs of one answer, all signed at one instant.

    Of a key, a filename, and the format and media type that inspection found: without these, the
    file is only saved, never shown.
    """
    sign = storage.sign_reads(method)

    def url_of(key: str, filename: str, format: str | None, media_type: str | None) -> str:
        # What lies elsewhere may have been put by somebody else: it was imported, or lost and sent
        # once more. A copy in the archive has no headers of theirs.
        is_bare = keys.is_archived(key)
        if media_type is None:
            return sign(key, OCTETS, "attachment", filename, is_bare)
        kind = "inline" if format in SHOWN_FORMATS else "attachment"
        return sign(key, media_type, kind, filename, is_bare)

    return url_of
