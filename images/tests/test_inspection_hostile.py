"""Hostile and broken files cost their child process at most, and each gets a stable reason."""

import io
import os
import struct
import tempfile
import zipfile
import zlib

import psutil
import pytest
from PIL import Image as Picture

from images import inspection_jobs
from images.inspection import forkserver, sandbox
from images.inspection.sandbox import Failed, Lost
from images.tests import misbehaviour
from images.tests.files import dicom, encoded, endless_gif, photo, png_bomb
from taggedimages.engines.tests.conftest import eventually


def problem(look, body, **limits):
    return look(body, **limits).findings.problem


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://127.0.0.1/'/></svg>",
        b"%PDF-1.7\n%%EOF",
        b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage",
        b"#!/bin/sh\nrm -rf /",
        b"P6 1 1 255\nabc",
        zipped(),
        os.urandom(600).replace(b"BM", b"xx"),
        b"\x08\0\x05\0" + b"\xff" * 400,
    ],
    ids=["empty", "nul", "html", "svg", "pdf", "eps", "shell", "ppm", "zip", "noise", "group8"],
)
def test_what_is_no_image_is_told_so(look, body):
    found = look(body).findings
    assert found.problem.partition(":")[0] == "not_an_image"
    assert (found.format, found.media_type) == ("", "application/octet-stream")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF"])
def test_truncated_files_are_unreadable(look, kind):
    body = encoded(photo(), kind)
    found = look(body[: len(body) // 2]).findings
    assert found.problem.startswith("unreadable: ")
    assert found.format == kind.lower().replace("heif", "heic")


def test_a_truncated_dicom_file_is_unreadable(look):
    assert problem(look, dicom()[:-1000]).startswith("unreadable: ")


def test_a_page_behind_the_first_bytes_of_a_png_is_unreadable(look):
    assert problem(look, b"\x89PNG\r\n\x1a\n<html>").startswith("unreadable: ")


def test_a_decompression_bomb_is_not_decoded(look):
    seen = look(png_bomb(20_000, 20_000)).findings
    assert seen.problem == "too_large: 20000 x 20000 pixels, 50000000 are allowed"
    assert (seen.format, seen.width, seen.height) == ("png", 20_000, 20_000)


def test_an_image_of_just_the_allowed_pixels_is_read(look):
    assert problem(look, png_bomb(10_000, 5_000)) == ""


def test_large_photographs_are_read(look):
    assert problem(look, encoded(photo(8000, 6000), "JPEG")) == ""


def test_of_very_many_frames_only_the_first_is_decoded(look):
    assert problem(look, endless_gif(100_000), cpu_seconds=2) == ""


def test_a_png_with_endless_text_is_too_large(look):
    text = b"iTXt" + b"a\0\1\0\0\0" + zlib.compress(b"x" * 50_000_000)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    body = encoded(photo(), "PNG")
    assert problem(look, body[:33] + chunk + body[33:]).startswith("too_large: ")


def test_memory_is_limited(look):
    assert problem(look, png_bomb(7_000, 7_000), memory=350 * 1024**2) == ""
    assert problem(look, encoded(photo(7_000, 7_000), "BMP"), memory=350 * 1024**2).startswith(
        "too_large: "
    )


def test_a_small_dicom_file_that_declares_terabytes_is_not_decoded(look):
    body = dicom(header={"Rows": 7000, "Columns": 7000, "NumberOfFrames": 1000})
    assert problem(look, body) == (
        "too_large: 1000 frames of 98000000000 bytes, 1073741824 are allowed"
    )


def test_a_dicom_picture_of_too_many_pixels_is_not_decoded(look):
    body = dicom(header={"Rows": 65535, "Columns": 65535})
    assert problem(look, body).startswith("too_large: 65535 x 65535 pixels")


def test_an_endless_dicom_header_is_given_up(look):
    comments = b"".join(
        struct.pack("<HH2sH", 0x0011, 0x1000 + n % 0xEFFF, b"LO", 60_000) + b"x" * 60_000
        for n in range(200)
    )
    assert problem(look, dicom()[:400] + comments) != ""
    sequence = struct.pack("<HH2sHI", 0x0011, 0x1001, b"SQ", 0, 0xFFFFFFFF)
    nested = (sequence + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * 100_000
    plain = dicom()
    at = plain.index(struct.pack("<HH", 0x0018, 0x0015))
    assert problem(look, plain[:at] + comments + plain[at:]).startswith("too_large: ")
    assert problem(look, plain[:at] + nested).partition(":")[0] in ("unreadable", "too_large")


def test_a_dicom_file_without_a_picture_is_not_an_image(look):
    body = dicom(header={"Rows": None, "Columns": None})
    assert problem(look, body) == "not_an_image: a DICOM file without a picture"


@pytest.mark.parametrize(
    ("work", "limits", "reason"),
    [
        (
            misbehaviour.burn,
            {"cpu_seconds": 1},
            "timeout: reading it took more processor time than a file may",
        ),
        (misbehaviour.sleep, {"wall": 0.3}, "timeout: reading it took more than 0.3 seconds"),
        (misbehaviour.crash, {}, "unreadable: the decoder crashed (SIGSEGV)"),
        (misbehaviour.hog, {}, "unreadable: the decoder crashed (exit 1)"),
        (misbehaviour.write_much, {}, "unreadable: the decoder crashed (exit 1)"),
        (misbehaviour.babble, {}, "unreadable: the decoder told nonsense"),
    ],
)
def test_what_goes_wrong_in_the_child_is_told(look, work, limits, reason):
    with pytest.raises(Failed) as failed:
        look(b"", work=work, **limits)
    assert str(failed.value) == reason


@pytest.mark.parametrize("work", [misbehaviour.be_ended, misbehaviour.be_killed])
def test_a_child_that_is_ended_from_outside_is_no_fault_of_the_file(look, work):
    with pytest.raises(Lost):
        look(b"", work=work)


def test_memory_that_a_file_takes_is_its_fault(look):
    assert look(b"", work=misbehaviour.use_memory).findings.problem.startswith("too_large: ")


def test_the_child_is_given_no_keys(look):
    assert look(b"", work=misbehaviour.tell_surroundings).findings.problem == ""


def test_after_all_that_good_files_are_read(look):
    assert look(encoded(Picture.new("RGB", (9, 9)), "PNG")).findings.problem == ""


def test_a_child_reaches_no_file_but_its_own(look):
    """The last one is the list itself."""
    assert look(b"x", work=misbehaviour.tell_descriptors).findings.problem == "3 4 5"


def test_a_child_that_nobody_waits_for_any_more_is_killed(look, monkeypatch):
    look(b"x", work=misbehaviour.tell_surroundings)
    (server,) = (p for p in psutil.Process().children() if forkserver.__name__ in p.cmdline())
    monkeypatch.setattr(sandbox, "RENEWAL_SECONDS", 0.1)

    def stop():
        assert server.children()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), tempfile.TemporaryFile() as file:
        sandbox.run(file, inspection_jobs.limits(), 30, stop, misbehaviour.sleep)
    assert eventually(lambda: not server.children())
