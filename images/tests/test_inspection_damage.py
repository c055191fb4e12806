"""Damage in what the picture does not need refuses no picture; what readers take is no oddity."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as Picture

from images.tests.files import encoded, photo

FOUR = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def upright():
    picture = Picture.new("RGB", (60, 40))
    for at, colour in enumerate(FOUR):
        picture.paste(colour, (at % 2 * 30, at // 2 * 20, at % 2 * 30 + 30, at // 2 * 20 + 20))
    return picture


def full(look, body):
    seen = look(body)
    assert seen.findings.problem == ""
    return Picture.open(io.BytesIO(seen.previews["full"])).convert("RGBA")


def corners(look, body):
    picture = full(look, body)
    wide, high = picture.size
    spots = [(x * wide // 4, y * high // 4) for y in (1, 3) for x in (1, 3)]
    return [tuple(255 * (part > 127) for part in picture.getpixel(spot)[:3]) for spot in spots]


def chunk(name, body, damaged=False):
    checksum = zlib.crc32(name + body) ^ damaged
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def png(width, height, depth, kind, rows, *more):
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


SIDE_CHUNKS = [
    (b"tEXt", b"Comment\0hello"),
    (b"zTXt", b"Comment\0\0" + zlib.compress(b"hello")),
    (b"iTXt", b"Comment\0\0\0\0\0hello"),
    (b"gAMA", struct.pack(">I", 45455)),
    (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
    (b"cHRM", struct.pack(">8I", *[31270] * 8)),
    (b"sRGB", b"\0"),
    (b"bKGD", b"\0\0\0\0\0\0"),
    (b"tIME", b"\x07\xe8\1\1\1\1\1"),
    (b"iCCP", b"name\0\0" + zlib.compress(b"x" * 200)),
    (b"eXIf", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"),
    (b"acTL", struct.pack(">II", 2, 0)),
    (b"quIt", b"whatever"),
]


@pytest.mark.parametrize(("name", "body"), SIDE_CHUNKS)
@pytest.mark.parametrize("behind", [False, True])
def test_damaged_side_chunks_of_png_are_left_out(look, name, body, behind):
    plain = encoded(upright(), "PNG")
    at = plain.index(b"IEND") - 4 if behind else 33
    broken = plain[:at] + chunk(name, body, damaged=True) + plain[at:]
    assert corners(look, broken) == FOUR
    assert look(broken).findings.orientation == 1


@pytest.mark.parametrize(("name", "body"), [(b"pHYs", b"\0"), (b"gAMA", b""), (b"cHRM", b"\0")])
def test_side_chunks_of_another_length_are_left_out(look, name, body):
    plain = encoded(upright(), "PNG")
    assert corners(look, plain[:33] + chunk(name, body) + plain[33:]) == FOUR


def test_a_side_chunk_without_end_takes_no_memory(look):
    plain = encoded(upright(), "PNG")
    cut = plain[:-12] + b"\xff\xff\xff\xf0tEXta\0b"
    broken = cut[:33] + chunk(b"tEXt", b"a\0b", damaged=True) + cut[33:]
    assert corners(look, broken) == FOUR


def test_sound_side_chunks_are_read_beside_damaged_ones(look):
    plain = encoded(upright(), "PNG")
    exif = chunk(*SIDE_CHUNKS[10])
    body = plain[:33] + chunk(b"tEXt", b"a\0b", damaged=True) + exif + plain[33:]
    assert look(body).findings.orientation == 6


def test_a_damaged_head_of_png_is_refused(look):
    plain = bytearray(encoded(upright(), "PNG"))
    plain[29] ^= 1
    assert look(bytes(plain)).findings.problem.startswith("unreadable: ")


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_one_grey_is_transparent_at_the_depth_of_the_file(look, depth):
    most = 2**depth - 1
    left, right = most, most - 1
    values = np.repeat(np.array([[left, right]], np.uint32), 32, axis=1).repeat(16, 0)
    places = np.arange(depth)[::-1]
    rows = np.packbits((values[..., None] >> places & 1).reshape(16, -1).astype(np.uint8), axis=1)
    key = chunk(b"tRNS", struct.pack(">H", left))
    picture = full(look, png(64, 16, depth, 0, [row.tobytes() for row in rows], key))
    assert [picture.getpixel((x, 8))[3] for x in (10, 50)] == [0, 255]


@pytest.mark.parametrize("depth", [8, 16])
def test_one_colour_is_transparent_at_the_depth_of_the_file(look, depth):
    most = 2**depth - 1
    pixels = np.full((16, 64, 3), most, f">u{depth // 8}")
    # Not that colour, if only by the last bit.
    pixels[:, 32:, 2] = most - 1
    key = chunk(b"tRNS", struct.pack(">3H", most, most, most))
    picture = full(look, png(64, 16, depth, 2, [row.tobytes() for row in pixels], key))
    assert [picture.getpixel((x, 8))[3] for x in (10, 50)] == [0, 255]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize(
    ("missing", "instead"),
    [(1, b""), (2, b""), (2, b"\0\0"), (2, b"\0" * 100), (2, b"\r\n"), (4, b"")],
)
def test_the_end_of_a_jpeg_may_be_missing(look, options, missing, instead):
    body = encoded(upright(), "JPEG", quality=95, **options)
    assert corners(look, body[:-missing] + instead) == FOUR


def test_large_jpegs_may_lack_their_end(look):
    whole, cut = (look(body) for body in (LARGE, LARGE[:-2]))
    assert (cut.findings.problem, cut.previews) == ("", whole.previews)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_cut_jpeg_is_refused(look, share, progressive):
    body = encoded(photo(400, 300), "JPEG", progressive=progressive)
    assert look(body[: int(len(body) * share)]).findings.problem.startswith("unreadable: ")


LARGE = encoded(photo(3000, 2000), "JPEG")


def test_the_end_of_png_and_gif_may_be_missing(look):
    assert corners(look, encoded(upright(), "PNG")[:-12]) == FOUR
    assert corners(look, encoded(upright(), "GIF")[:-1]) == FOUR


def test_a_webp_may_lack_its_last_zero(look):
    for wide in range(20, 60):
        body = encoded(photo(wide, 20), "WEBP", lossless=True)
        if int.from_bytes(body[16:20], "little") % 2:
            assert full(look, body[:-1]).size == (wide, 20)
            return
    pytest.fail("no file of odd length")


def bmp(pixels, bits, masks, header=40, compression=3, top=False, reserved=b"\0" * 4):
    high, wide = pixels.shape
    rows = pixels if top else pixels[::-1]
    data = rows.astype(f"<u{bits // 8}").tobytes()
    size = -high if top else high
    head = struct.pack(
        "<IiiHHIIiiII", header, wide, size, 1, bits, compression, len(data), *[0] * 4
    )
    more = struct.pack(f"<{len(masks)}I", *masks)
    head = (head + more).ljust(header, b"\0")
    place = 14 + len(head)
    return (
        b"BM"
        + struct.pack("<I", place + len(data))
        + reserved
        + struct.pack("<I", place)
        + (head + data)
    )


@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (32, (0xFF, 0xFF00, 0xFF0000)),
        (32, (0xFF0000, 0xFF, 0xFF00)),
        (32, (0x3FF00000, 0xFFC00, 0x3FF)),
        (32, (0xFF00, 0xFF0000, 0xFF000000)),
        (16, (0xF800, 0x7E0, 0x1F)),
        (16, (0x1F, 0x7E0, 0xF800)),
        (16, (0xF00, 0xF0, 0xF)),
    ],
)
@pytest.mark.parametrize("top", [False, True])
def test_colours_of_a_bmp_are_where_its_masks_say(look, bits, masks, top):
    colours = np.asarray(upright())
    numbers = sum((colours[..., at] > 0) * np.uint64(mask) for at, mask in enumerate(masks))
    assert corners(look, bmp(numbers, bits, masks, top=top)) == FOUR


def test_a_bmp_may_have_a_mask_for_alpha(look):
    numbers = np.full((20, 20), 0x800000FF)
    body = bmp(numbers, 32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000), header=56)
    assert full(look, body).getpixel((5, 5)) == pytest.approx((255, 0, 0, 128), abs=5)


@pytest.mark.parametrize("reserved", [b"\0\0\0\0", b"\x1d\0\x27\0", b"\xff\xff\xff\xff"])
def test_the_reserved_words_of_a_bmp_may_say_anything(look, reserved):
    body = encoded(upright(), "BMP")
    assert corners(look, body[:6] + reserved + body[10:]) == FOUR


def test_old_heads_of_bmp_are_read(look):
    pixels = np.asarray(upright())[::-1, :, ::-1].tobytes()
    head = struct.pack("<IHHHH", 12, 60, 40, 1, 24)
    body = b"BM" + struct.pack("<IHHI", 26 + len(pixels), 1, 2, 26) + head + pixels
    assert corners(look, body) == FOUR


@pytest.mark.parametrize(("width", "height"), [(-127, 40), (0, 40), (60, 0), (-1, -1)])
def test_a_size_of_nothing_is_unreadable(look, width, height):
    body = bytearray(encoded(upright(), "BMP"))
    body[18:26] = struct.pack("<ii", width, height)
    assert look(bytes(body)).findings.problem.startswith("unreadable: ")
