"""EXIF as cameras and editors write it, which is not always what the standard says."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.inspection import written_text
from images.inspection.written_times import moment
from images.tests.files import (
    ASCII,
    BYTE,
    SHORT,
    UNDEFINED,
    UTF8,
    encoded,
    exif,
    photo,
    ratios,
    words,
)

ORIGINAL, DIGITIZED, MODIFIED = 0x9003, 0x9004, 0x0132
OFFSET, OFFSET_ORIGINAL, OFFSET_DIGITIZED = 0x9010, 0x9011, 0x9012
PART_ORIGINAL = 0x9291
DESCRIPTION, ARTIST, COPYRIGHT, MAKE = 0x010E, 0x013B, 0x8298, 0x010F
XP_TITLE, XP_COMMENT, XP_AUTHOR, XP_KEYWORDS, XP_SUBJECT = range(0x9C9B, 0x9CA0)
COMMENT = 0x9286
ZERO, NOTHING = ((0, 1),) * 3, ((0, 0),) * 3


def at(text):
    return datetime.fromisoformat(text).timestamp()


@pytest.fixture
def found(look):
    """What is found in a JPEG with this EXIF."""

    def run(*parts, kind="JPEG", **options):
        return look(encoded(photo(), kind, exif=exif(*parts, **options))).findings

    return run


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2012:12:22 10:37:28", "2012-12-22T10:37:28Z"),
        ("2012-12-22 10:37:28", "2012-12-22T10:37:28Z"),
        ("2007/06/30 18:45:17", "2007-06-30T18:45:17Z"),
        ("2007.06.30 18.45.17", "2007-06-30T18:45:17Z"),
        ("2018-01-20T11:46:00Z", "2018-01-20T11:46:00Z"),
        ("2018-01-20T11:46:00.250+05:30", "2018-01-20T06:16:00.250Z"),
        ("2018:01:20 11:46:00 -0800", "2018-01-20T19:46:00Z"),
        ("20180120T114600Z", "2018-01-20T11:46:00Z"),
        ("20180120114600", "2018-01-20T11:46:00Z"),
        ("2018:1:2 3:4:5", "2018-01-02T03:04:05Z"),
        ("2018:01:20:11:46:00", "2018-01-20T11:46:00Z"),
        ("2018:01:20 11:46", "2018-01-20T11:46:00Z"),
        (" 2018:01:20 11:46:00\0\0 ", "2018-01-20T11:46:00Z"),
        ("2018:01:20 01:46:00 PM", "2018-01-20T13:46:00Z"),
        ("2018:01:20 24:00:00", "2018-01-21T00:00:00Z"),
        ("2016:12:31 23:59:60", "2017-01-01T00:00:00Z"),
        ("1965:05:01 00:00:00.75", "1965-05-01T00:00:00.75Z"),
        ("2018:01:20 11:46:00.9999999999", "2018-01-20T11:46:00.999999Z"),
    ],
)
def test_a_moment_is_read_however_it_is_written(written, expected):
    found = moment(written)
    assert found == pytest.approx(at(expected), abs=1e-6)
    assert found is not None
    assert found // 1 == at(expected) // 1


@pytest.mark.parametrize(
    "written",
    [
        *("", "yesterday", "0000:00:00 00:00:00", "    :  :     :  :  ", "2018:13:01 00:00:00"),
        *("2018:02:30 00:00:00", "2018:01:20 25:00:00", "2018:01:20 24:00:01"),
        *("2018:01:20 11:60:00", "2018:01:20 11:46:61", "2018:01:20 13:46:00 PM"),
        *("2018:01:20 11:46:00+25:00", "2018:01:20 11:46:00 CEST", "2018:01:20"),
        *("9999:12:31 23:59:59-14:00", "0001:01:01 00:00:00+14:00", "٢٠١٨:01:20 11:46:00"),
    ],
)
def test_what_has_no_sense_is_no_moment(written):
    assert moment(written) is None


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),
    st.sampled_from(":-/."),
    st.sampled_from([" ", "T", "  "]),
    st.integers(-14 * 60, 14 * 60),
)
def test_every_moment_is_read_back(when, between, gap, minutes):
    # A float of seconds holds milliseconds for millennia, and microseconds for decades.
    when = when.replace(microsecond=when.microsecond // 1_000 * 1_000)
    expected = when.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    day, _, time = when.isoformat(timespec="microseconds").partition("T")
    written, offset = day.replace("-", between) + gap + time, expected.isoformat()[-6:]
    found = moment(written + offset)
    assert found is not None
    assert datetime.fromtimestamp(found, UTC).replace(microsecond=0) == expected.replace(
        microsecond=0
    )
    assert moment(written, offset) == found


@given(st.text(), st.text(), st.text())
def test_any_text_is_a_moment_or_none(written, offset, part):
    found = moment(written, offset, part)
    assert found is None or datetime.fromtimestamp(found, UTC)


class TestTakenAt:
    def test_is_when_it_was_digitized_where_the_original_is_unknown(self, found):
        both = found(
            {MODIFIED: words("2021:01:01 00:00:00")}, {DIGITIZED: words("2011:08:09 1:2:3")}
        )
        assert both.taken_at == at("2011-08-09T01:02:03Z")
        assert found({MODIFIED: words("2021:01:01 00:00:00")}).taken_at == at("2021-01-01T00:00Z")

    def test_the_next_counts_where_one_has_no_sense(self, found):
        camera = {ORIGINAL: words("0000:00:00 00:00:00"), DIGITIZED: words("2011:08:09 10:11:12")}
        assert found({}, camera).taken_at == at("2011-08-09T10:11:12Z")

    def test_each_has_an_offset_and_a_fraction_of_its_own(self, found):
        camera = {DIGITIZED: words("2011:08:09 10:11:12"), OFFSET_ORIGINAL: words("+09:00")}
        assert found({}, camera).taken_at == at("2011-08-09T10:11:12Z")
        camera[OFFSET_DIGITIZED] = words("+02:00")
        assert found({}, camera).taken_at == at("2011-08-09T08:11:12Z")
        camera = {ORIGINAL: words("2011:08:09 10:11:12"), PART_ORIGINAL: words("250 ")}
        assert found({}, camera).taken_at == at("2011-08-09T10:11:12.250Z")
        fields, camera = {MODIFIED: words("2011:08:09 10:11:12")}, {OFFSET: words("   :  ")}
        assert found(fields, camera).taken_at == at("2011-08-09T10:11:12Z")

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
    def test_is_read_in_every_format_that_holds_exif(self, found, kind):
        camera = {ORIGINAL: words("2012-12-22 10:37:28")}
        assert found({MAKE: words("Ñ", "utf-8")}, camera, kind=kind).taken_at == at(
            "2012-12-22T10:37:28Z"
        )


@pytest.mark.parametrize("order", "<>")
class TestWords:
    def test_are_utf8_where_their_bytes_are_and_else_latin1(self, found, order):
        kept = found(
            {
                DESCRIPTION: words("Tromsø ☀ Zürich", "utf-8"),
                ARTIST: words("José Núñez", "latin-1"),
                MAKE: (UNDEFINED, "Škoda".encode()),
                COPYRIGHT: (ASCII, "© Foto\0© Editor\0".encode()),
            },
            order=order,
        ).exif
        assert kept == {
            "ImageDescription": "Tromsø ☀ Zürich",
            "Artist": "José Núñez",
            "Make": "Škoda",
            "Copyright": "© Foto\n© Editor",
        }

    def test_of_the_newer_type_are_read(self, found, order):
        assert found({ARTIST: (UTF8, "José".encode() + b"\0")}, order=order).exif == {
            "Artist": "José"
        }

    def test_end_at_the_null_after_which_rubbish_lies(self, found, order):
        assert found({MAKE: (ASCII, b"Canon\0\xff\xfe7")}, order=order).exif == {"Make": "Canon"}

    @pytest.mark.parametrize("text", ["Zürich", "写真", "مريم", "Αθήνα", "😀"])
    def test_of_windows_are_utf16(self, found, order, text):
        data = (text + "\0rubbish").encode("utf-16-le")
        tags = (XP_TITLE, XP_COMMENT, XP_AUTHOR, XP_KEYWORDS, XP_SUBJECT)
        kept = found(dict.fromkeys(tags, (BYTE, data)), order=order).exif
        assert kept == dict.fromkeys(
            ("XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"), text
        )

    def test_of_windows_may_be_of_another_type(self, found, order):
        short = "Zürich".encode("utf-16-le" if order == "<" else "utf-16-be")
        assert found({XP_TITLE: (SHORT, short)}, order=order).exif == {"XPTitle": "Zürich"}

    @pytest.mark.parametrize(
        ("comment", "text"),
        [
            (b"ASCII\0\0\0A knee\0\0", "A knee"),
            (b"ASCII\0\0\0" + "Knie größer".encode(), "Knie größer"),
            (b"UNICODE\0" + "A knee, größer".encode("utf-16-le"), "A knee, größer"),
            (b"UNICODE\0" + "A knee, größer".encode("utf-16-be"), "A knee, größer"),
            (b"UNICODE\0" + "膝".encode("utf-16"), "膝"),
            (b"JIS\0\0\0\0\0" + "膝".encode("iso2022_jp"), "膝"),
            (b"\0" * 8 + "größer".encode(), "größer"),
            (b"\0" * 8 + b"\x01\x02\xff\xfe", None),
            (b"UNICODE\0", None),
            (b"ASC", None),
        ],
    )
    def test_of_a_user_comment_are_what_its_head_says(self, found, order, comment, text):
        kept = found({}, {COMMENT: (UNDEFINED, comment)}, order=order).exif
        assert kept.get("UserComment") == text


@given(st.text(), st.sampled_from(["utf-8", "utf-16-le"]))
def test_every_text_is_read_back(text, encoding):
    text = text.replace("\0", "").removeprefix("\ufeff")
    read = written_text.text if encoding == "utf-8" else written_text.utf16
    assert read(text.encode(encoding) + b"\0\0") == text


@given(st.binary())
def test_any_bytes_are_some_text(data):
    for read in (written_text.text, written_text.texts, written_text.utf16, written_text.printable):
        assert isinstance(read(data), str)
    for code in (b"ASCII\0\0\0", b"UNICODE\0", b"JIS\0\0\0\0\0", b"\0" * 8, b""):
        assert isinstance(written_text.comment(code + data, is_big_endian=False), str)


class TestPlace:
    @pytest.mark.parametrize(
        ("latitude", "longitude", "place"),
        [
            (ZERO, ZERO, None),
            (NOTHING, NOTHING, None),
            (ZERO, NOTHING, None),
            (ZERO, ((32, 1), (30, 1), (0, 1)), [0.0, 32.5]),
            (
                ((48, 1), (5332358, 100000), (0, 0)),
                ((21, 1), (259507, 100000), (0, 0)),
                [48.8887263, 21.0432512],
            ),
            (((48, 1), (0, 0), (30, 1)), ((21, 1), (0, 1), (0, 1)), None),
            (((485, 10),), ((215, 10),), [48.5, 21.5]),
            (((48, 1), (30, 1)), ((21, 1), (30, 1)), [48.5, 21.5]),
            (((48, 1), (75, 1), (0, 1)), ((21, 1), (0, 1), (0, 1)), None),
            (((91, 1), (0, 1), (0, 1)), ((21, 1), (0, 1), (0, 1)), None),
            (((48, 1), (0, 1), (0, 1)), ((180, 1), (0, 1), (1, 1)), None),
        ],
    )
    def test_what_is_a_placeholder_is_none(self, found, latitude, longitude, place):
        gps = {1: words("N"), 2: ratios(*latitude), 3: words("E"), 4: ratios(*longitude)}
        assert found({}, {}, gps).gps == place

    @pytest.mark.parametrize(
        ("refs", "signs"),
        [
            ("SW", (-1, -1)),
            ("sw", (-1, -1)),
            ("nE", (1, 1)),
            ("\0\0", (1, 1)),
            ("XE", None),
            ("WN", None),
        ],
    )
    def test_its_letters_are_understood_or_it_is_none(self, found, refs, signs):
        gps = {1: words(refs[0]), 2: ratios((33, 1), (30, 1), (0, 1)), 3: words(refs[1])}
        gps[4] = ratios((151, 1), (30, 1), (0, 1))
        assert found({}, {}, gps).gps == (signs and [33.5 * signs[0], 151.5 * signs[1]])


def test_a_broken_directory_spoils_no_other(look):
    block = bytearray(exif({MAKE: words("Canon")}, {ORIGINAL: words("2012:12:22 10:37:28")}))
    block += exif({}, {}, {1: words("N")})[6:]
    pointer = block.index(b"\x69\x87") + 8
    block[pointer : pointer + 4] = b"\xff\xff\xff\x7f"
    kept = look(encoded(photo(), "JPEG", exif=bytes(block))).findings
    assert (kept.exif, kept.problem) == ({"Make": "Canon"}, "")
