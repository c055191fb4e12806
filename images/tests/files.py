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


ASCII, BYTE, LONG, RATIONAL, UNDEFINED, SHORT, UTF8 = 2, 1, 4, 5, 7, 3, 129
Fields = dict[int, tuple[int, bytes]]


def exif(
    fields: Fields | None = None,
    camera: Fields | None = None,
    gps: Fields | None = None,
    order: str = "<",
) -> bytes:
    """An EXIF block, to the byte: the type and the bytes of each tag of its three directories."""
    block = bytearray(b"II*\0\x08\0\0\0" if order == "<" else b"MM\0*\0\0\0\x08")
    pointers = [(tag, part) for tag, part in ((0x8769, camera), (0x8825, gps)) if part]
    first = dict(fields or {}) | {tag: (LONG, b"\0\0\0\0") for tag, _ in pointers}
    places = _directory(block, first, order)
    for tag, part in pointers:
        block[places[tag] : places[tag] + 4] = struct.pack(order + "I", len(block))
        _directory(block, part, order)
    return b"Exif\0\0" + block


def ratios(*pairs: tuple[int, int], order: str = "<") -> tuple[int, bytes]:
    """Numbers of EXIF's type RATIONAL."""
    return RATIONAL, b"".join(struct.pack(order + "II", *pair) for pair in pairs)


def words(text: str, encoding: str = "ascii") -> tuple[int, bytes]:
    """A text of EXIF's type ASCII."""
    return ASCII, text.encode(encoding) + b"\0"


def _directory(block: bytearray, fields: Fields, order: str) -> dict[int, int]:
    """Append a directory with its values; where each tag's value or pointer stands."""
    sizes = {SHORT: 2, LONG: 4, RATIONAL: 8}
    entries, at = [], len(block) + 2
    data = bytearray()
    after = at + 12 * len(fields) + 4
    for tag, (kind, value) in sorted(fields.items()):
        head = struct.pack(order + "HHI", tag, kind, len(value) // sizes.get(kind, 1))
        place = value.ljust(4, b"\0") if len(value) <= 4 else None
        entries.append(head + (place or struct.pack(order + "I", after + len(data))))
        data += b"" if place else value
    block += struct.pack(order + "H", len(fields)) + b"".join(entries) + b"\0\0\0\0" + data
    return {tag: at + 12 * number + 8 for number, tag in enumerate(sorted(fields))}


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
