"""Every format is told from its bytes and read; the previews show it as it is meant to be seen."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageCms

from images.tests.files import dicom, encoded, photo

RAMP16 = np.tile(np.arange(120, dtype=np.uint16) * 500, (80, 1))


def opened(preview: bytes) -> Picture.Image:
    return Picture.open(io.BytesIO(preview))


def pixel(preview: bytes, x: int, y: int) -> Any:
    return opened(preview).convert("RGBA").getpixel((x, y))


FORMATS = [
    ("png", "image/png", encoded(photo(), "PNG")),
    ("png", "image/png", encoded(photo().quantize(8), "PNG")),
    ("png", "image/png", encoded(Picture.fromarray(RAMP16), "PNG")),
    ("jpeg", "image/jpeg", encoded(photo(), "JPEG")),
    ("jpeg", "image/jpeg", encoded(photo(), "JPEG", progressive=True)),
    ("jpeg", "image/jpeg", encoded(photo().convert("CMYK"), "JPEG")),
    ("jpeg", "image/jpeg", encoded(photo().convert("L"), "JPEG")),
    ("jpeg", "image/jpeg", encoded(photo(), "MPO", save_all=True, append_images=[photo()])),
    ("gif", "image/gif", encoded(photo(), "GIF")),
    ("webp", "image/webp", encoded(photo(), "WEBP")),
    ("webp", "image/webp", encoded(photo(), "WEBP", lossless=True)),
    ("tiff", "image/tiff", encoded(photo(), "TIFF")),
    ("tiff", "image/tiff", encoded(Picture.fromarray(RAMP16), "TIFF")),
    ("tiff", "image/tiff", encoded(Picture.fromarray(RAMP16.astype(np.float32)), "TIFF")),
    ("tiff", "image/tiff", encoded(photo(), "TIFF", save_all=True, append_images=[photo(9, 9)])),
    ("tiff", "image/tiff", encoded(photo(), "TIFF", big_tiff=True)),
    ("bmp", "image/bmp", encoded(photo(), "BMP")),
    ("avif", "image/avif", encoded(photo(), "AVIF")),
    ("heic", "image/heic", encoded(photo(), "HEIF")),
    ("dicom", "application/dicom", dicom(RAMP16)),
]


@pytest.mark.parametrize(("name", "media_type", "body"), FORMATS)
def test_each_format_is_read(look, name, media_type, body):
    seen = look(body)
    found = seen.findings
    assert (found.format, found.media_type, found.width, found.height, found.problem) == (
        name,
        media_type,
        120,
        80,
        "",
    )
    assert {name: opened(file).size for name, file in seen.previews.items()} == {
        "mini": (80, 80),
        "large": (80, 80),
        "full": (120, 80),
    }
    assert found.fingerprint is not None


def test_previews_are_reduced_and_cut_to_squares(look):
    seen = look(encoded(photo(4000, 3000), "JPEG"))
    sizes = {name: opened(file).size for name, file in seen.previews.items()}
    assert sizes == {"mini": (100, 100), "large": (200, 200), "full": (1920, 1440)}
    assert {opened(file).format for file in seen.previews.values()} == {"WEBP"}


def test_orientation_is_told_and_applied(look):
    picture = Picture.new("RGB", (60, 40), "black")
    picture.paste("red", (0, 0, 60, 20))
    exif = Picture.Exif()
    exif[0x0112] = 6
    seen = look(encoded(picture, "JPEG", exif=exif, quality=95))
    assert (seen.findings.width, seen.findings.height, seen.findings.orientation) == (60, 40, 6)
    full = seen.previews["full"]
    # Turned by a quarter to the right, what was above is on the right.
    assert opened(full).size == (40, 60)
    assert pixel(full, 35, 30)[0] > 200 > 50 > pixel(full, 5, 30)[0]


def test_colour_profiles_are_converted(look):
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    lab = Picture.new("LAB", (20, 20), (128, 200, 128))
    seen = look(encoded(lab, "TIFF", icc_profile=swapped.tobytes()))
    red, green, blue, _ = pixel(seen.previews["full"], 10, 10)
    assert red > blue > green


def test_transparency_is_kept(look):
    seen = look(encoded(Picture.new("RGBA", (20, 20), (255, 0, 0, 0)), "PNG"))
    assert pixel(seen.previews["full"], 5, 5)[3] == 0


def test_the_colour_is_the_average(look):
    picture = Picture.new("RGB", (20, 10), "#FF0000")
    picture.paste("#0000FF", (10, 0, 20, 10))
    assert look(encoded(picture, "PNG")).findings.color in ("#800080", "#7F007F", "#80007F")


def test_the_colour_of_what_cannot_be_seen_does_not_count(look):
    picture = Picture.new("RGBA", (20, 10), (255, 0, 0, 255))
    picture.paste((0, 0, 255, 0), (10, 0, 20, 10))
    assert look(encoded(picture, "PNG")).findings.color == "#FF0000"


def test_an_image_of_one_colour_has_no_fingerprint(look):
    assert look(encoded(Picture.new("RGB", (50, 50), "red"), "PNG")).findings.fingerprint is None


def test_recoded_and_resized_images_have_near_fingerprints(look):
    original, small, other = (
        look(body).findings.fingerprint
        for body in (
            encoded(photo(800, 600), "PNG"),
            encoded(photo(800, 600).resize((300, 225)), "JPEG", quality=50),
            encoded(photo(800, 600, seed=2), "PNG"),
        )
    )
    assert (original ^ small).bit_count() <= 4
    assert (original ^ other).bit_count() > 7


def test_a_dicom_file_may_look_like_a_tiff_file_at_first(look):
    preamble = encoded(Picture.new("L", (2, 2)), "TIFF")[:128].ljust(128, b"\0")
    found = look(preamble + dicom()[128:]).findings
    assert (found.format, found.problem) == ("dicom", "")


def test_a_dicom_file_may_lack_its_preamble(look):
    assert look(dicom()[132:]).findings.format == "dicom"
