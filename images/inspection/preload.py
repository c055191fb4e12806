"""What the server of the children loads before it forks any: all code, used once.

So that each child finds set up what Pillow, numpy and pydicom set up at their first use, and shares
it with the others: what is frozen is not touched, and so not copied, by garbage collection.
"""

import gc
import io

from PIL import Image

from images.inspection import child
from images.inspection.findings import Limits

LIMITS = Limits(pixels=10_000, memory=1024**3, metadata=10_000, cpu_seconds=1)


def use_once() -> None:
    """Inspect a small picture of each common format."""
    picture = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    for kind in ("PNG", "JPEG", "WEBP"):
        file = io.BytesIO()
        picture.save(file, kind, exif=picture.getexif())
        file.seek(0)
        child.inspect(file, LIMITS)


use_once()


gc.collect()
gc.freeze()
