"""Files for tests, good and hostile ones, made on the spot."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image as Picture
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

pillow_heif.register_heif_opener()


def photo(width: int = 120, height: int = 80, seed: int = 1) -> Picture.Image:
    """A picture with soft shapes in it, another for each seed."""
    noise = np.random.default_rng(seed).random((6, 8, 3)) * 255
    return Picture.fromarray(noise.astype(np.uint8)).resize(
        (width, height), Picture.Resampling.BICUBIC
    )


def encoded(picture: Picture.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture in one of Pillow's formats."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def dicom(pixels: NDArray[Any] | None = None, header: dict[str, Any] | None = None) -> bytes:
    """A CT picture: by default a ramp of 64 x 48 over a window."""
    if pixels is None:
        pixels = np.tile(np.arange(64, dtype=np.uint16) * 16, (48, 1))
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.BodyPartExamined = "CT", "KNEE"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "12345"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.WindowCenter, dataset.WindowWidth = 512, 1024
    dataset.PixelSpacing = [0.5, 0.25]
    dataset.PixelData = pixels.tobytes()
    for name, value in (header or {}).items():
        setattr(dataset, name, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that decodes to a bit for each of very many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    row = b"\0" * (1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    chunks = ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def endless_gif(frames: int) -> bytes:
    """A GIF of so many frames, 20 bytes each."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\0\0\0\0\0" + b"\x2c\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02\x44\x01\0"
    return head + frame * frames + b";"


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
