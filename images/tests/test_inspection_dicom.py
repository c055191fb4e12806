"""DICOM frames are decoded and shown as each place and form of their header says."""

import io
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image as Picture
from pydicom import Dataset, dcmread, uid
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from images.tests.files import dicom, encoded, photo

RAMP = np.tile(np.arange(64, dtype=np.uint16) * 64, (48, 1))


def columns(values, kind="<u2"):
    return np.tile(np.repeat(np.asarray(values, kind), 20), (20, 1))


# Without a window, all of 16 bits.
PLAIN = {"WindowCenter": None, "WindowWidth": None, "BitsStored": 16, "HighBit": 15}


def row(look, pixels, places, **header):
    """Greys at those shares of the width."""
    header = PLAIN | header
    header["HighBit"] = header["BitsStored"] - 1
    return greys(look, dicom(pixels, header), places)


def greys(look, body, places):
    seen = look(body)
    assert seen.findings.problem == ""
    picture = Picture.open(io.BytesIO(seen.previews["full"])).convert("L")
    return [picture.getpixel((int(place * picture.width), 15)) for place in places]


FIFTHS = [0.1, 0.3, 0.5, 0.7, 0.9]


def item(**attributes):
    dataset = Dataset()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    return Sequence([dataset])


@pytest.mark.parametrize(
    ("function", "centre", "width", "values", "expected"),
    [
        ("LINEAR_EXACT", 100, 2, [98, 99, 100, 101, 102], [0, 0, 127, 255, 255]),
        ("LINEAR", 100, 5, [97, 98, 99, 100, 102], [0, 32, 96, 159, 255]),
        (None, 100, 5, [97, 98, 99, 100, 102], [0, 32, 96, 159, 255]),
        ("LINEAR", 100, 1, [98, 99, 100, 101, 102], [0, 0, 255, 255, 255]),
        ("SIGMOID", 2048, 1024, [1024, 1536, 2048, 2560, 3072], [5, 30, 128, 225, 250]),
        ("SIGMOID", 2048, 0.01, [1024, 1536, 2040, 2560, 3072], [0, 0, 0, 255, 255]),
    ],
)
def test_windows_are_applied_by_their_function(look, function, centre, width, values, expected):
    window = {"WindowCenter": centre, "WindowWidth": width}
    if function:
        window["VOILUTFunction"] = function
    assert row(look, columns(values), FIFTHS, **window) == pytest.approx(expected, abs=4)


@pytest.mark.parametrize("width", [0, -100])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_of_no_width_says_nothing(look, width, function):
    window = {"WindowCenter": 2000, "WindowWidth": width, "VOILUTFunction": function}
    seen = row(look, columns([0, 1000, 2000, 3000, 4000]), FIFTHS, **window)
    assert seen == pytest.approx([0, 64, 128, 191, 255], abs=4)


def test_of_several_windows_the_first_counts(look):
    window = {"WindowCenter": [1000, 3000], "WindowWidth": [2000, 10]}
    seen = row(look, columns([0, 500, 1000, 1500, 2000]), FIFTHS, **window)
    assert seen == pytest.approx([0, 64, 128, 191, 255], abs=4)


@pytest.mark.parametrize("place", ["Shared", "PerFrame"])
def test_window_and_rescaling_may_be_in_functional_groups(look, place):
    groups = item(
        FrameVOILUTSequence=item(WindowCenter=1048, WindowWidth=1024),
        PixelValueTransformationSequence=item(RescaleSlope=1, RescaleIntercept=-1000),
    )
    header = {f"{place}FunctionalGroupsSequence": groups, "NumberOfFrames": 1}
    # A window further away is of no account.
    header |= {"WindowCenter": 10, "WindowWidth": 20}
    seen = row(look, columns([1000, 1536, 2048, 2560, 3000]), FIFTHS, **header)
    assert seen == pytest.approx([0, 0, 127, 255, 255], abs=4)


def test_the_group_of_the_first_frame_counts_before_that_of_all(look):
    def group(centre):
        return item(FrameVOILUTSequence=item(WindowCenter=centre, WindowWidth=100))

    header = {
        "SharedFunctionalGroupsSequence": group(3000),
        "PerFrameFunctionalGroupsSequence": group(1000),
        "NumberOfFrames": 1,
    }
    seen = row(look, columns([900, 960, 1000, 1040, 1100]), FIFTHS, **header)
    assert seen == pytest.approx([0, 27, 128, 230, 255], abs=6)


@pytest.mark.parametrize("limit", [None, -1990])
@pytest.mark.parametrize("kind", [b"SS", b"US"])
def test_padding_is_no_picture(look, limit, kind):
    pixels = np.tile(np.linspace(0, 100, 64).astype("<i2"), (48, 1))
    pixels[:12] = -2000
    header = {"PixelRepresentation": 1, "PixelPaddingValue": -2000} | PLAIN
    if limit:
        pixels[12] = -1995
        header["PixelPaddingRangeLimit"] = limit
    body = dicom(pixels, header)
    for tag in (b"\x28\0\x20\x01", b"\x28\0\x21\x01"):
        # Some writers take it for a number without a sign.
        body = body.replace(tag + b"SS", tag + kind)
    assert greys(look, body, [0.02, 0.5, 0.98]) == pytest.approx([2, 127, 253], abs=6)


def test_padding_of_unsigned_pixels_and_inverted_ones_is_black(look):
    pixels = np.tile(np.linspace(0, 100, 64).astype("<u2"), (48, 1))
    pixels[:24] = 65535
    header = {"PixelPaddingValue": 65535, "PhotometricInterpretation": "MONOCHROME1"}
    seen = row(look, pixels, [0.02, 0.5, 0.98], **header)
    assert seen == [0, 0, 0]


def test_floats_are_spread_over_what_is_a_number(look):
    pixels = np.tile(np.linspace(-1, 1, 64).astype("<f4"), (48, 1))
    pixels[:12], pixels[12] = np.nan, np.inf
    header = PLAIN | {"FloatPixelData": pixels.tobytes(), "BitsAllocated": 32, "BitsStored": 32}
    body = dicom(pixels, header | {"HighBit": 31, "PixelData": None})
    tag = struct.pack("<HH", 0x7FE0, 0x0010)
    at = body.rindex(tag)
    # Without the empty element that stands for other pixels.
    assert greys(look, body[:at] + body[at + 12 :], [0.02, 0.5, 0.98]) == pytest.approx(
        [2, 127, 253], abs=6
    )


@pytest.mark.parametrize(
    "header",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    ],
)
def test_inverted_pictures_are_inverted_once(look, header):
    seen = row(look, columns([0, 1000, 2000, 3000, 4000]), FIFTHS, **header)
    assert seen == pytest.approx([255, 191, 127, 64, 0], abs=4)


def test_tables_are_applied(look):
    data = struct.pack("<5H", 0, 0, 65535, 0, 65535)
    table = item(LUTDescriptor=[5, 0, 16], LUTData=data, ModalityLUTType="US")
    for name in ("VOILUTSequence", "ModalityLUTSequence"):
        seen = row(look, columns([0, 1, 2, 3, 4]), FIFTHS, **{name: table})
        assert seen == pytest.approx([0, 0, 255, 0, 255], abs=4), name


@pytest.mark.parametrize(("bits", "signed"), [(8, 0), (10, 0), (12, 0), (12, 1), (16, 1)])
def test_bits_above_those_stored_are_no_part_of_a_pixel(look, bits, signed):
    half = 2 ** (bits - 1)
    values = np.linspace(-half if signed else 0, half - 1 if signed else 2 * half - 1, 5)
    numbers = values.astype(np.int64) & (2**bits - 1)
    if bits < 16:
        numbers[::2] |= 1 << 15
    seen = row(look, columns(numbers), FIFTHS, BitsStored=bits, PixelRepresentation=signed)
    assert seen == pytest.approx([0, 64, 127, 191, 255], abs=5)


def compressed(frame, syntax, pixels, **header):
    dataset = dcmread(io.BytesIO(dicom(pixels, header)), force=True)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


GREY = RAMP.astype(np.uint16)
ENCODERS = [
    (uid.JPEGLSLossless, imagecodecs.jpegls_encode),
    (uid.JPEG2000Lossless, lambda pixels: imagecodecs.jpeg2k_encode(pixels, reversible=True)),
    (uid.HTJ2KLossless, lambda pixels: imagecodecs.htj2k_encode(pixels, reversible=True)),
    (uid.JPEG2000, lambda pixels: imagecodecs.jpeg2k_encode(pixels, level=80)),
    (uid.JPEGLosslessSV1, lambda pixels: imagecodecs.ljpeg_encode(pixels, bitspersample=12)),
]


@pytest.mark.parametrize(("syntax", "encode"), ENCODERS)
def test_each_compression_gives_the_plain_picture(look, syntax, encode):
    header = {"BitsStored": 12, "HighBit": 11}
    plain = look(dicom(GREY, header))
    seen = look(compressed(encode(GREY), syntax, GREY, **header))
    assert seen.findings.problem == ""
    assert seen.findings.color == plain.findings.color
    assert seen.findings.fingerprint == plain.findings.fingerprint


RGB = np.asarray(photo(64, 48))
COLOURED = {"SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
COLOURED |= {"PlanarConfiguration": 0, "Rows": 48, "Columns": 64}


@pytest.mark.parametrize(
    ("syntax", "meaning", "frame"),
    [
        (uid.JPEGBaseline8Bit, "YBR_FULL_422", encoded(photo(64, 48), "JPEG", quality=95)),
        (
            uid.JPEGBaseline8Bit,
            "RGB",
            encoded(photo(64, 48), "JPEG", quality=95, keep_rgb=True),
        ),
        (uid.JPEG2000Lossless, "YBR_RCT", imagecodecs.jpeg2k_encode(RGB, reversible=True)),
        (
            uid.JPEG2000Lossless,
            "YBR_FULL",
            imagecodecs.jpeg2k_encode(
                np.asarray(photo(64, 48).convert("YCbCr")), reversible=True, mct=False
            ),
        ),
        (uid.JPEGLSLossless, "RGB", imagecodecs.jpegls_encode(RGB)),
    ],
)
def test_compressed_colours_are_turned_into_rgb(look, syntax, meaning, frame):
    header = COLOURED | {"PhotometricInterpretation": meaning}
    seen = look(compressed(frame, syntax, RGB.copy(), **header))
    assert seen.findings.problem == ""
    shown = Picture.open(io.BytesIO(seen.previews["full"])).convert("RGB")
    assert np.abs(np.asarray(shown, int) - RGB).mean() < 8


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("bits", [8, 16])
def test_plain_colours_are_scaled_to_their_depth(look, planar, bits):
    pixels = RGB.astype(f"<u{bits // 8}") * (257 if bits == 16 else 1)
    stored = np.moveaxis(pixels, -1, 0).copy() if planar else pixels
    header = COLOURED | {
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": planar,
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
    }
    seen = look(dicom(stored, header))
    shown = Picture.open(io.BytesIO(seen.previews["full"])).convert("RGB")
    assert np.abs(np.asarray(shown, int) - RGB).mean() < 8


# Files that pydicom brings along: 12 bits, lossless, runs, several frames and writers.
BROUGHT = {
    "JPEG-lossy.dcm": "#0E0E0E",
    "JPGExtended.dcm": "#0E0E0E",
    "SC_rgb_jpeg_gdcm.dcm": "#7F7F7F",
    "SC_rgb_rle_16bit.dcm": "#808080",
    "MR_small_RLE.dcm": None,
    "MR_small_jp2klossless.dcm": None,
    "MR_small_jpeg_ls_lossless.dcm": None,
    "image_dfl.dcm": None,
    "SC_rgb_jpeg.dcm": "#F4F4F4",
}


@pytest.mark.parametrize("name", BROUGHT)
def test_files_of_other_writers_are_read(look, name):
    found = look(Path(str(get_testdata_file(name))).read_bytes()).findings
    assert found.problem == ""
    if BROUGHT[name]:
        assert _near(found.color, BROUGHT[name])


def _near(one, other):
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return all(abs(a - b) <= 3 for a, b in pairs)


def test_a_frame_of_another_size_than_was_told_is_refused(look):
    body = compressed(
        imagecodecs.jpegls_encode(np.zeros((90, 90), np.uint16)), uid.JPEGLSLossless, GREY
    )
    assert look(body).findings.problem.startswith("unreadable: ")


@pytest.mark.parametrize("header", [{"NumberOfFrames": -1}, {"SamplesPerPixel": 9}])
def test_frames_of_no_sense_are_refused(look, header):
    assert look(dicom(header=header)).findings.problem.startswith("unreadable: ")
