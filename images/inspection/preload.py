"""What the server of the children loads before it forks any: all code, used once.

So that each child finds set up what Pillow, numpy, tifffile and pydicom set up at their first use,
and shares it with the others: what is frozen is not touched, and so not copied, by garbage
collection.
"""

import gc
import io

from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from images.inspection import child
from images.inspection.findings import Limits

LIMITS = Limits(pixels=10_000, memory=1024**3, metadata=10_000, cpu_seconds=1)


# Formats of Pillow's, and how what is in them is compressed.
COMMON: tuple[tuple[str, dict[str, str]], ...] = (
    ("PNG", {}),
    ("JPEG", {}),
    ("WEBP", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", {"compression": "jpeg"}),
)


def use_once() -> None:
    """Inspect a small picture of each common format."""
    picture = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    for kind, options in COMMON:
        file = io.BytesIO()
        picture.save(file, kind, exif=picture.getexif(), **options)
        file.seek(0)
        child.inspect(file, LIMITS)
    child.inspect(_dicom(), LIMITS)


def _dicom() -> io.BytesIO:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID("1.2.3")
    dataset.Rows = dataset.Columns = 8
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = bytes(range(128))
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    file.seek(0)
    return file


use_once()


gc.collect()
gc.freeze()
