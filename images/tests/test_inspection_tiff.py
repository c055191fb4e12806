"""TIFF files of every depth, layout and meaning are shown as TIFF 6.0 has it."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from images.tests.files import encoded
from images.tests.tiff_files import packed, page, tiff

W, H = 64, 32
FOUR = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
QUARTERS = np.zeros((H, W), np.uint8)
QUARTERS[:16, 32:], QUARTERS[16:, :32], QUARTERS[16:, 32:] = 1, 2, 3
RISING = [2, 127, 253]
# Whichever corner is stored first, this is how the picture is meant.
BACK = {
    2: Picture.Transpose.FLIP_LEFT_RIGHT,
    3: Picture.Transpose.ROTATE_180,
    4: Picture.Transpose.FLIP_TOP_BOTTOM,
    5: Picture.Transpose.TRANSPOSE,
    6: Picture.Transpose.ROTATE_90,
    7: Picture.Transpose.TRANSVERSE,
    8: Picture.Transpose.ROTATE_270,
}


def ramp(greatest: float, kind: Any) -> Any:
    return np.tile(np.linspace(0, greatest, W).astype(kind), (H, 1))


def full(look, body):
    seen = look(body)
    assert seen.findings.problem == ""
    return Picture.open(io.BytesIO(seen.previews["full"])).convert("RGBA")


def greys(look, body, y=24):
    """What is seen at the left, in the middle and at the right."""
    picture = full(look, body)
    return [picture.getpixel((x, y))[0] for x in (1, 32, 62)]


def corners(picture):
    wide, high = picture.size
    spots = [(x * wide // 4, y * high // 4) for y in (1, 3) for x in (1, 3)]
    return [tuple(255 * (part > 127) for part in picture.getpixel(spot)[:3]) for spot in spots]


def upright():
    picture = Picture.new("RGB", (60, 40))
    for at, colour in enumerate(FOUR):
        picture.paste(colour, (at % 2 * 30, at // 2 * 20, at % 2 * 30 + 30, at // 2 * 20 + 20))
    return picture


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
def test_what_is_turned_is_turned_once(look, orientation, compression):
    stored = upright()
    if orientation in BACK:
        stored = stored.transpose(BACK[orientation])
    body = encoded(stored, "TIFF", compression=compression, tiffinfo={274: orientation})
    found = look(body).findings
    assert (found.width, found.height, found.orientation) == (*stored.size, orientation)
    picture = full(look, body)
    assert (picture.size, corners(picture)) == ((60, 40), FOUR)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_libtiff_reads_is_turned_once_too(look, orientation):
    # Colours at half the resolution, and not in JPEG, are left to it.
    stored = upright()
    if orientation in BACK:
        stored = stored.transpose(BACK[orientation])
    pixels = np.asarray(stored.convert("YCbCr"))
    blocks = np.concatenate(
        [pixels[y::2, x::2, :1] for y in (0, 1) for x in (0, 1)] + [pixels[::2, ::2, 1:]], axis=2
    )
    tags = page(stored.width, stored.height, [8] * 3, 6) | {
        259: [8],
        530: [2, 2],
        274: [orientation],
    }
    body = tiff(tags, [zlib.compress(blocks.tobytes())])
    found = look(body).findings
    assert (found.width, found.height, found.orientation) == (*stored.size, orientation)
    picture = full(look, body)
    assert (picture.size, corners(picture)) == ((60, 40), FOUR)


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8, 10, 12, 14, 16, 24])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_greys_of_each_depth_reach_from_black_to_white(look, bits, white_is_zero):
    values = ramp(2**bits - 1, np.uint32)
    body = tiff(page(W, H, [bits], 0 if white_is_zero else 1), [_stored(values, bits)])
    seen = greys(look, body)
    expected = [255 - tone for tone in RISING] if white_is_zero else RISING
    step = 255 / (2**bits - 1)
    assert [abs(a - b) <= max(8, step) for a, b in zip(seen, expected, strict=True)] == [True] * 3


def _stored(values, bits):
    if bits in (8, 16, 32):
        return values.astype(f"<u{bits // 8}").tobytes()
    return packed(values, bits)


@pytest.mark.parametrize("bits", [2, 4, 8, 10, 12, 14, 16, 24])
@pytest.mark.parametrize("planar", [1, 2])
def test_colours_of_each_depth_and_layout(look, bits, planar):
    values = np.array(FOUR, np.uint32)[QUARTERS] // 255 * (2**bits - 1)
    strips = (
        [_stored(values.reshape(H, -1), bits)]
        if planar == 1
        else [_stored(values[..., at], bits) for at in range(3)]
    )
    body = tiff(page(W, H, [bits] * 3, 2, planar=planar), strips)
    assert corners(full(look, body)) == FOUR


@pytest.mark.parametrize("greatest", [255, 65535])
@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_colour_maps_may_be_of_8_bits(look, greatest, bits):
    entries = [*FOUR, *[(0, 0, 0)] * (2**bits - 4)]
    table = [colour[at] * greatest // 255 for at in range(3) for colour in entries]
    body = tiff(page(W, H, [bits], 3) | {320: table}, [_stored(QUARTERS, bits)])
    assert corners(full(look, body)) == FOUR


@pytest.mark.parametrize(
    ("kind", "form"),
    [("<f2", 3), ("<f4", 3), ("<f8", 3), ("<i2", 2), ("<i4", 2), ("<u4", 1), ("<u8", 1)],
)
def test_numbers_of_no_known_scale_are_spread(look, kind, form):
    values = ramp(900, kind)
    bits = 8 * values.dtype.itemsize
    assert greys(look, tiff(page(W, H, [bits], 1, form), [values.tobytes()])) == pytest.approx(
        RISING, abs=8
    )
    assert greys(look, tiff(page(W, H, [bits], 0, form), [values.tobytes()])) == pytest.approx(
        RISING[::-1], abs=8
    )


def test_numbers_beyond_31_bits_do_not_fall(look):
    body = tiff(page(W, H, [32], 1), [ramp(4e9, "<u4").tobytes()])
    picture = full(look, body).convert("L")
    seen = [picture.getpixel((x, 20)) for x in range(0, W, 4)]
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] > 200


LOWEST = float(np.finfo(np.float32).min)


@pytest.mark.parametrize(
    ("odd", "noted"),
    [
        (np.inf, None),
        (-np.inf, None),
        (np.nan, None),
        (LOWEST, None),
        (LOWEST, "-3.4028234663852886e+38"),
        (-9999, "-9999"),
        (-9999, " -9999.0 "),
        (0.1, "0.1"),
        (np.nan, "nan"),
    ],
)
def test_what_is_no_measurement_does_not_decide(look, odd, noted):
    values = np.tile(np.linspace(100, 900, W).astype("<f4"), (H, 1))
    values[:8] = odd
    tags = page(W, H, [32], 1, 3) | ({42113: noted} if noted else {})
    body = tiff(tags, [values.tobytes()])
    assert greys(look, body) == pytest.approx(RISING, abs=6)
    assert max(greys(look, body, y=3)) < 10


def test_whole_numbers_may_be_noted_as_none(look):
    values = ramp(900, "<i2")
    values[:8] = -32768
    body = tiff(page(W, H, [16], 1, 2) | {42113: "-32768"}, [values.tobytes()])
    assert greys(look, body) == pytest.approx(RISING, abs=6)


@pytest.mark.parametrize("value", [np.nan, np.inf, 7.5, 1e308])
def test_floats_of_one_value_are_shown(look, value):
    body = tiff(page(W, H, [64], 1, 3), [np.full((H, W), value, "<f8").tobytes()])
    assert greys(look, body) == [0, 0, 0]


def test_the_widest_range_is_spread(look):
    values = np.where(QUARTERS < 2, -1e38, 1e38).astype("<f4")
    body = tiff(page(W, H, [32], 1, 3), [values.tobytes()])
    assert (greys(look, body, y=3), greys(look, body, y=30)) == ([0] * 3, [255] * 3)


def test_complex_numbers_are_no_picture(look):
    body = tiff(page(W, H, [64], 1, 6), [np.zeros((H, W), "<c8").tobytes()])
    assert look(body).findings.problem.startswith("unreadable: ")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_each_order_of_bytes_is_read(look, order, big):
    values = ramp(65535, f"{order}u2")
    body = tiff(page(W, H, [16], 1), [values.tobytes()], order, big)
    assert greys(look, body) == pytest.approx(RISING, abs=8)


@pytest.mark.parametrize(
    "compression", ["lzw", "zlib", "packbits", "zstd", "lzma", "webp", "jpeg", "jpeg2000", "png"]
)
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_each_compression_is_read(look, compression, tile):
    buffer = io.BytesIO()
    pixels = np.array(FOUR, np.uint8)[QUARTERS]
    tifffile.imwrite(buffer, pixels, compression=compression, tile=tile, photometric="rgb")
    assert corners(full(look, buffer.getvalue())) == FOUR


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_faxes_are_read(look, compression):
    page = Picture.new("1", (W, H), 1)
    page.paste(0, (0, 0, 32, H))
    seen = full(look, encoded(page, "TIFF", compression=compression))
    assert [seen.getpixel((x, 10))[0] for x in (5, 60)] == [0, 255]


@pytest.mark.parametrize(("predictor", "kind"), [(2, "<u2"), (3, "<f4")])
def test_differences_are_undone(look, predictor, kind):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ramp(65535, kind), compression="zlib", predictor=predictor)
    assert greys(look, buffer.getvalue()) == pytest.approx(RISING, abs=8)


@pytest.mark.parametrize(("meaning", "shown"), [(2, 200), (1, 255), (0, 200)])
def test_a_fourth_sample_is_what_the_file_says(look, meaning, shown):
    pixels = np.full((H, W, 4), (200, 0, 0, 100), np.uint8)
    body = tiff(page(W, H, [8] * 4, 2) | {338: [meaning]}, [pixels.tobytes()])
    red, _, _, alpha = full(look, body).getpixel((20, 20))
    assert (red, alpha) == pytest.approx((shown, 100 if meaning else 255), abs=4)


def test_inks_and_lab_are_turned_into_light(look):
    inks = np.full((H, W, 4), (0, 255, 255, 0), np.uint8)
    red, green, blue, _ = full(look, tiff(page(W, H, [8] * 4, 5), [inks.tobytes()])).getpixel(
        (9, 9)
    )
    assert red > 200 > 80 > max(green, blue)
    for bits, kind, values in (
        (8, 8, (136, 80, 67)),
        (16, 8, (34952, 80 * 256, 67 * 256)),
        (8, 9, (136, 208, 195)),
    ):
        lab = np.full((H, W, 3), values, f"<u{bits // 8}")
        red, green, blue, _ = full(
            look, tiff(page(W, H, [bits] * 3, kind), [lab.tobytes()])
        ).getpixel((9, 9))
        assert red > 200 > 80 > max(green, blue), (bits, kind)


def test_luminance_and_differences_are_turned_into_colours(look):
    ybr = Picture.new("RGB", (W, H), "red").convert("YCbCr")
    tags = page(W, H, [8] * 3, 6) | {530: [1, 1]}
    red, green, blue, _ = full(look, tiff(tags, [ybr.tobytes()])).getpixel((9, 9))
    assert red > 240 > 20 > max(green, blue)


def test_of_several_pages_the_first_is_shown(look):
    first, second = (Picture.new("RGB", (20, 10), colour) for colour in ("red", "blue"))
    body = encoded(first, "TIFF", save_all=True, append_images=[second])
    assert look(body).findings.color == "#FF0000"


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits", "zstd"])
def test_missing_strips_are_not_made_up(look, compression):
    body = encoded(upright(), "TIFF", compression=compression)
    broken = body.replace(b"\x11\x01\x04\0\x01\0\0\0", b"\x11\x01\x04\0\x01\0\0\0\xff\xff\0\0", 1)
    assert look(broken[: len(body)]).findings.problem.startswith("unreadable: ")


def test_a_strip_that_expands_without_end_is_cut(look):
    bomb = zlib.compress(b"\0" * 300_000_000, 9)
    body = tiff(page(W, H, [8], 1) | {259: [8]}, [bomb])
    found = look(body, memory=400 * 1024**2).findings
    assert found.problem == "" or found.problem.partition(":")[0] in ("too_large", "unreadable")


def test_more_samples_than_memory_are_not_decoded(look):
    tags = page(7000, 7000, [16] * 64, 1)
    assert look(tiff(tags, [b""])).findings.problem.startswith("too_large: ")


def test_a_strip_may_say_it_goes_on_for_ever(look):
    strip = zlib.compress(ramp(255, np.uint8).tobytes())
    body = tiff(page(W, H, [8], 1) | {259: [8]}, [strip])
    told = struct.pack("<HHII", 279, 4, 1, len(strip))
    endless = body.replace(told, struct.pack("<HHII", 279, 4, 1, 2**32 - 1))
    assert endless != body
    assert greys(look, endless) == pytest.approx(RISING, abs=8)
