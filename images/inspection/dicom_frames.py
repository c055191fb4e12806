"""The numbers of the first frame of a DICOM file, whatever they are compressed with (PS3.5)."""

import re
from collections.abc import Callable
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread, uid
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array

from images.inspection.findings import Refused

Numbers = NDArray[Any]
# Before the pixels begin: their tag, VR and length; or, of writers that forget it, without the VR.
EXPLICIT, IMPLICIT = 12, 8
JPEG = {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1}
# Marks in a JPEG file after which its decoder knows by itself how colours are written: JFIF's, and
# Adobe's if it is as long as it has to be.
TELLING = re.compile(rb"\xff\xe0..JFIF\0|\xff\xee\0[\x0e-\xff]Adobe", re.DOTALL)
DECODERS: dict[str, Callable[[bytes], Numbers]] = {
    uid.JPEGLSLossless: imagecodecs.jpegls_decode,
    uid.JPEGLSNearLossless: imagecodecs.jpegls_decode,
    uid.JPEG2000Lossless: imagecodecs.jpeg2k_decode,
    uid.JPEG2000: imagecodecs.jpeg2k_decode,
    uid.HTJ2KLossless: imagecodecs.htj2k_decode,
    uid.HTJ2KLosslessRPCL: imagecodecs.htj2k_decode,
    uid.HTJ2K: imagecodecs.htj2k_decode,
}


def first(source: BinaryIO, header: Dataset, pixels_at: int) -> Numbers:
    """The first frame in rows and columns, and samples if it has several, as it is stored.

    Of colours, those of JPEG and JPEG 2000 are in RGB already where their own transform was used,
    and those that are not compressed always (`is_ybr`). Raises Refused, and whatever decoders do.
    """
    syntax = _syntax(header)
    if not syntax.is_encapsulated:
        return _whole_numbers(_plain(source), header)
    source.seek(pixels_at + 4)
    source.seek(pixels_at + (EXPLICIT if source.read(2) in (b"OB", b"OW", b"UN") else IMPLICIT))
    frames = int(header.get("NumberOfFrames") or 1)
    data = get_frame(source, 0, number_of_frames=frames)
    numbers = _decoded(data, syntax, header)
    if numbers.shape[:2] != (header.Rows, header.Columns):
        raise Refused(f"unreadable: a frame of another size, {numbers.shape[:2]}")
    return _whole_numbers(numbers, header)


def is_ybr(header: Dataset) -> bool:
    """Whether the colours of a frame as `first` gives it are luminance and differences."""
    syntax = _syntax(header)
    ybr = str(header.get("PhotometricInterpretation", "")) == "YBR_FULL"
    return ybr and syntax.is_encapsulated and syntax not in JPEG


def _syntax(header: Dataset) -> uid.UID:
    told = getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID")
    syntax = uid.UID(told or uid.ImplicitVRLittleEndian)
    if not syntax.is_transfer_syntax:
        raise Refused(f"unreadable: an unknown transfer syntax, {syntax}")
    return syntax


def _plain(source: BinaryIO) -> Numbers:
    source.seek(0)
    try:
        # Reads nothing but that frame; some odd but valid files are not read in this way.
        return pixel_array(source, index=0)
    except (ValueError, AttributeError):
        source.seek(0)
        return pixel_array(dcmread(source, force=True), index=0)


def _decoded(data: bytes, syntax: uid.UID, header: Dataset) -> Numbers:
    if syntax in JPEG:
        return _jpeg(data, header)
    if syntax == uid.RLELossless:
        return _runs(data, header)
    if syntax not in DECODERS:
        raise Refused(f"unreadable: a transfer syntax that is not read, {syntax.name}")
    return DECODERS[syntax](data)


def _jpeg(data: bytes, header: Dataset) -> Numbers:
    told = str(header.get("PhotometricInterpretation", ""))
    if header.get("SamplesPerPixel", 1) == 3 and not TELLING.search(data[:1024]):
        written = "RGB" if told == "RGB" else "YCBCR"
        return imagecodecs.jpeg8_decode(data, colorspace=written, outcolorspace="RGB")
    return imagecodecs.jpeg8_decode(data)


def _runs(data: bytes, header: Dataset) -> Numbers:
    samples = int(header.get("SamplesPerPixel", 1))
    size = int(header.Rows) * int(header.Columns)
    # Most significant bytes come first there, and plane after plane.
    kind = np.dtype(f"<u{int(header.BitsAllocated) // 8}")
    runs = imagecodecs.dicomrle_decode(data, kind, out=samples * size * kind.itemsize)
    planes: Numbers = np.frombuffer(runs, kind).reshape(samples, header.Rows, header.Columns)
    return planes[0] if samples == 1 else np.moveaxis(planes, 0, -1)


def _whole_numbers(numbers: Numbers, header: Dataset) -> Numbers:
    """The numbers by the bits that are stored, and with a sign if the header says so.

    Decoders do not know of that sign; and above the stored bits there may be overlays.
    """
    stored = int(header.get("BitsStored") or header.get("BitsAllocated") or 0)
    size = 8 * numbers.dtype.itemsize
    if numbers.dtype.kind not in "iu" or not 0 < stored < size:
        signed = header.get("PixelRepresentation") == 1 and numbers.dtype.kind == "u"
        return numbers.view(f"i{numbers.dtype.itemsize}") if signed else numbers
    spare = size - stored
    kind = "i" if header.get("PixelRepresentation") == 1 else "u"
    # Up to the highest bit, and down again with its sign.
    native = numbers.astype(f"=u{numbers.dtype.itemsize}")
    return (native << spare).view(f"={kind}{numbers.dtype.itemsize}") >> spare
