"""What cameras and scanners noted is kept as bounded JSON; who the patient is, is not."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from PIL import ExifTags
from PIL import Image as Picture

from images.inspection.findings import bounded, jsonable
from images.tests.files import dicom, encoded, photo

IFD = ExifTags.IFD


def with_exif(camera=None, gps=None, **fields):
    exif = Picture.Exif()
    for name, value in fields.items():
        exif[ExifTags.Base[name]] = value
    exif.get_ifd(IFD.Exif).update(camera or {})
    exif.get_ifd(IFD.GPSInfo).update(gps or {})
    return encoded(photo(), "JPEG", exif=exif)


def test_exif_is_kept_by_name(look):
    body = with_exif(
        {ExifTags.Base.FNumber: 2.8, ExifTags.Base.ISOSpeedRatings: 100},
        Make="Canon",
        Model="EOS",
    )
    assert look(body).findings.exif == {
        "Make": "Canon",
        "Model": "EOS",
        "FNumber": 2.8,
        "ISOSpeedRatings": 100,
    }


def test_the_place_is_in_degrees(look):
    gps = {1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 0.0)}
    assert look(with_exif(gps=gps)).findings.gps == [-33.86, 151.2]


def test_a_place_outside_of_the_world_is_none(look):
    gps = {1: "N", 2: (133.0, 0.0, 0.0), 3: "E", 4: (151.0, 0.0, 0.0)}
    assert look(with_exif(gps=gps)).findings.gps is None


def test_the_time_is_read_with_its_zone_or_as_utc(look):
    def taken_at(camera):
        return look(with_exif(camera)).findings.taken_at

    moment = "2024:05:06 07:08:09"
    original, offset = ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal
    assert taken_at({original: moment}) == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC).timestamp()
    zone = timezone(timedelta(hours=2))
    assert (
        taken_at({original: moment, offset: "+02:00"})
        == datetime(2024, 5, 6, 7, 8, 9, tzinfo=zone).timestamp()
    )
    assert taken_at({original: "0000:00:00 00:00:00"}) is None
    assert taken_at({original: "yesterday"}) is None


def test_text_that_the_database_refuses_is_cleaned(look):
    body = with_exif(Make="Ca\0non\x07", ImageDescription="x" * 5000, Artist="\0\0")
    kept = look(body).findings.exif
    assert kept == {"Make": "Canon", "ImageDescription": "x" * 1000} or kept["Make"] == "Ca"


def test_values_are_made_json():
    assert [
        jsonable(value)
        for value in (b"Exif\0", b"\xff\xfe", float("nan"), float("inf"), 10**30, "\ud800a", None)
    ] == ["Exif", None, None, None, None, "a", None]
    assert len(jsonable(list(range(1000)))) == 64


def test_broken_exif_does_not_spoil_the_picture(look):
    body = encoded(photo(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\x99" * 50)
    found = look(body).findings
    assert (found.problem, found.exif, found.orientation) == ("", {}, 1)


def test_headers_are_kept_up_to_64_kib():
    fields = {f"Field{n}": "x" * 1000 for n in range(100)}
    assert list(bounded(fields)) == [f"Field{n}" for n in range(64)]
    assert bounded({"Empty": "", "None": None, "No": [], "Zero": 0}) == {"Zero": 0}


def test_the_dicom_header_is_kept_without_the_patient(look):
    found = look(dicom()).findings
    uid = found.dicom.pop("SOPInstanceUID")
    assert uid.startswith("1.2.")
    assert found.dicom == {
        "Modality": "CT",
        "BodyPartExamined": "KNEE",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "PixelSpacing": [0.5, 0.25],
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsStored": 16,
        "WindowCenter": 512,
        "WindowWidth": 1024,
    }
    assert (found.exif, found.gps, found.taken_at) == ({}, None, None)


def test_a_setting_says_which_fields_are_kept(look):
    found = look(dicom(), dicom_fields=("PatientName", "Modality", "NoSuchField")).findings
    assert found.dicom == {"PatientName": "Doe^Jane", "Modality": "CT"}


def test_the_window_decides_how_bright_a_dicom_picture_is(look):
    ramp = np.tile(np.arange(64, dtype=np.uint16) * 16, (48, 1))
    dark, bright = (
        look(dicom(ramp, {"WindowCenter": centre, "WindowWidth": 200})).findings.color
        for centre in (900, 100)
    )
    assert int(dark[1:3], 16) < 60 < 190 < int(bright[1:3], 16)


def test_monochrome1_is_shown_inverted(look):
    black = np.zeros((20, 20), np.uint16)
    header = {"PhotometricInterpretation": "MONOCHROME1"}
    assert look(dicom(black, header)).findings.color == "#FFFFFF"


def test_the_frames_of_a_dicom_file_are_counted(look):
    frames = np.zeros((3, 20, 30), np.uint16)
    found = look(dicom(frames, {"NumberOfFrames": 3})).findings
    assert (found.problem, found.width, found.height, found.dicom["NumberOfFrames"]) == (
        "",
        30,
        20,
        3,
    )
