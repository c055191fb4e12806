"""Rows of manifests: each is read, or refused with its number, its column and its value."""

import csv
import io
import json
import math
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.visibility import Visibility
from tags import manifest_values, manifests
from tags.manifest_files import BadManifest, BadRow
from tags.manifest_values import MAX_CHARACTERS, BadValue
from tags.path_tags import path_pattern

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(text, name="m.csv"):
    """The rows of a manifest with this text or these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list(manifests.read(path, path_pattern(""), str))


def told(rows):
    """What is said of each: its path, or why it is refused."""
    return [str(row) if isinstance(row, BadRow) else row.path for row in rows]


class TestTimes:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("1767000000", "2025-12-29T09:20:00Z"),
            (" 1767000000.5 ", "2025-12-29T09:20:00.5Z"),
            (1767000000, "2025-12-29T09:20:00Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("86400", "1970-01-02T00:00:00Z"),
            ("-86400", "1969-12-31T00:00:00Z"),
            ("-1.5", "1969-12-31T23:59:58.5Z"),
            ("-0.0000001", "1969-12-31T23:59:59.999999Z"),
            ("1767000000.9999999999", "2025-12-29T09:20:00.999999Z"),
            ("20240131", "2024-01-31T00:00:00Z"),
            ("19991231.0", "1999-12-31T00:00:00Z"),
            (20240131, "2024-01-31T00:00:00Z"),
            ("1965-05-01", "1965-05-01T00:00:00Z"),
            ("2024-01-31T10:00:00+02:00", "2024-01-31T08:00:00Z"),
            ("20240131T104500Z", "2024-01-31T10:45:00Z"),
        ],
    )
    def test_are_epoch_seconds_or_dates(self, given, expected):
        assert manifest_values.time("created", given) == datetime.fromisoformat(expected)

    @pytest.mark.parametrize(
        "given",
        [
            *("yesterday", "2024", 2024, "202401", "20241301", "1767000000000", 1767000000000),
            *("20240131104500", "1e9", "1_000", "NaN", math.nan, math.inf, 1e300, True, [], {}),
            *("٢٠٢٤٠١٣١", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "31.01.2024"),
        ],
    )
    def test_that_could_be_another_thing_are_refused(self, given):
        with pytest.raises(BadValue, match=r"^created: "):
            manifest_values.time("created", given)

    @pytest.mark.parametrize("given", [None, "", " "])
    def test_may_be_missing(self, given):
        assert manifest_values.time("created", given) is None

    @given(st.integers(-9_999_999_999, 9_999_999_999), st.integers(0, 999_999))
    def test_are_exact(self, seconds, part):
        at = EPOCH + timedelta(seconds=seconds, microseconds=part)
        assert manifest_values.time("created", at.isoformat()) == at
        if not part:
            sign = "-" if seconds < 0 else "+"
            assert manifest_values.time("created", f"{sign}{abs(seconds)}") == at


class TestWords:
    @pytest.mark.parametrize("word", ["yes", "y", "on", "t", "true", "1", True, 1])
    def test_of_yes(self, word):
        for spelling in (word, f" {word} ", str(word).upper()):
            assert manifest_values.is_true("private", spelling) is True

    @pytest.mark.parametrize("word", ["no", "n", "off", "f", "false", "0", False, 0])
    def test_of_no(self, word):
        for spelling in (word, f"\t{word}", str(word).title()):
            assert manifest_values.is_true("private", spelling) is False

    @pytest.mark.parametrize(
        "word", ["maybe", "ja", "2", 2, 1.0, -1, "yes!", [], ["yes"], "n\u043e"]
    )
    def test_that_are_neither(self, word):
        with pytest.raises(BadValue, match=r"^private: "):
            manifest_values.is_true("private", word)

    @pytest.mark.parametrize(
        ("line", "visibility"),
        [
            (" Project ,", Visibility.PROJECT),
            ("PUBLIC,no", Visibility.PUBLIC),
            ("private,yes", Visibility.PRIVATE),
            ("project,yes", Visibility.PROJECT),
            (",yes", Visibility.PRIVATE),
            (",no", None),
            (",", None),
        ],
    )
    def test_of_visibility(self, line, visibility):
        (row,) = read(f"filename,visibility,private\na.png,{line}")
        assert row.visibility is visibility

    @pytest.mark.parametrize("line", ["hidden,", "public,yes", "private,no", "2,", "true,"])
    def test_of_visibility_that_are_none_or_two(self, line):
        assert told(read(f"filename,visibility,private\na.png,{line}"))[0].startswith("row 1: vis")


class TestSizes:
    @pytest.mark.parametrize(("given", "size"), [("10", 10), (10, 10), ("10.0", 10), ("", None)])
    def test_are_whole(self, given, size):
        assert manifest_values.size("size", given) == size

    @pytest.mark.parametrize(
        "given", ["1.5", "-1", "1e3", "1_0", "\uff11\uff10", str(2**63), True, [], "10 kB"]
    )
    def test_or_refused(self, given):
        with pytest.raises(BadValue, match=r"^size: "):
            manifest_values.size("size", given)


class TestCsv:
    def test_heads_are_found_in_any_case_and_with_blanks(self):
        (row,) = read('\ufeff\n FileName , "TAGS",Size\na.png, "left|a, b\\|c",\n')
        assert (row.path, list(row.tags)) == ("a.png", ["left", "a, b|c"])

    def test_fields_are_as_many_as_columns(self):
        rows = read("filename,tags,description\na.png,knee,Hello, world, again\nb.png\n\nc.png,,\n")
        assert told(rows) == [
            'row 1: 5 fields, 3 columns: "a.png"',
            'row 2: 1 fields, 3 columns: "b.png"',
            "c.png",
        ]

    @pytest.mark.parametrize("column", ["filename", "tags", "description"])
    @pytest.mark.parametrize("text", ["{}", '"{}"', '"\n{}"'])
    def test_a_field_that_is_too_long_is_one_row(self, column, text):
        cells = {"filename": "a.png", "tags": "knee", "description": "A knee"}
        cells[column] = text.format("x" * (MAX_CHARACTERS + 1))
        rows = read("filename,tags,description\n" + ",".join(cells.values()) + "\nb.png,,\n")
        first, second = told(rows)
        assert first.startswith(f'row 1: {column}: "')
        assert f"; {MAX_CHARACTERS} are allowed" in first
        assert len(first) < 300
        assert second == "b.png"

    def test_lines_within_quotes_are_one_row(self):
        (row,) = read('filename,description\na.png,"A knee,\n""left"""\n')
        assert row.description == 'A knee,\n"left"'

    @pytest.mark.parametrize("bad", ['a.png,"12 inch', 'a.png,"12" inch', '"a.png,x'])
    @pytest.mark.parametrize("after", ["", 'c.png,"c"\n', "x\n" * 3])
    def test_a_quote_that_makes_no_sense_is_one_row(self, bad, after):
        rows = told(read(f"filename,description\n{bad}\nb.png,two\n{after}d.png,\n"))
        assert rows[0].startswith("row 1: ")
        assert (rows[1], rows[-1]) == ("b.png", "d.png")

    def test_bytes_that_are_no_utf8_are_one_row(self):
        rows = read(b"filename,description\nM\xf1.png,\nb.png,Mu\xf1oz\nc.png,\n")
        assert told(rows) == [
            r'row 1: filename: "M\xf1.png" is not UTF-8',
            r'row 2: description: "Mu\xf1oz" is not UTF-8',
            "c.png",
        ]


class TestJson:
    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ('{"filename": "a", "tag": "x"}', '"tag" is none of filename, key, tags, '),
            ('{"filename": "a", "tags": "knee"}', 'tags: "knee" is neither a list nor'),
            ('{"filename": "a", "tags": 1}', "tags: 1 is neither a list nor"),
            ('{"filename": "a", "tags": [["x"]]}', 'tags: ["x"] is no name of a tag'),
            ('{"filename": "a", "tags": {"slices": 12}}', "tags: 12 is no text"),
            ('{"filename": "a", "tags": ["x"], "tags": ["y"]}', '"tags" is there twice'),
            ('{"filename": "a", "Tags": ["x"], "tags": ["y"]}', '"tags" is there twice'),
            ('{"filename": "a", "tags": {"x": "1", "x": "2"}}', '"x" is there twice'),
            ('{"filename": "a", "tags": {"x": "1", "x ": "2"}}', 'tags: "x " has two values'),
            ('{"filename": ["a"]}', 'filename: ["a"] is no text'),
            ('{"filename": "a", "key": "b"}', 'filename and key differ: "a", "b"'),
            ('{"filename": "a", "description": 1}', "description: 1 is no text"),
            ('{"filename": "a", "private": "maybe"}', 'private: "maybe" is neither yes nor no'),
            ('{"filename": "a\\u001b[2J"}', r'filename: "a\x1b[2J" Control characters are not'),
            ('{"filename": "\\ud800"}', r'filename: "\ud800" has null characters or surrogates'),
            ('{"filename": "a/"}', 'filename: "a/" is a folder'),
            ("null", "null is no object"),
            ("[]", "[] is no object"),
        ],
    )
    def test_a_row_of_other_types_is_refused(self, row, problem):
        for text, name in (
            (row + '\n{"key": "b"}', "m.ndjson"),
            (f'[{row}, {{"key": "b"}}]', "m.json"),
        ):
            first, second = told(read(text, name))
            assert first.startswith(f"row 1: {problem}")
            assert second == "b"

    def test_a_line_that_is_no_json_is_one_row(self):
        deep = "[" * 100_000
        rows = told(read(f'{{"key": "a"}}\n{{"key": \n{deep}\n\n{{"key": "d"}}\n', "m.ndjson"))
        assert rows[0] == "a"
        assert rows[1].startswith(r'row 2: "{"key":" is no JSON')
        assert rows[2].startswith("row 3: ")
        assert rows[3] == "d"

    def test_values_of_tags_are_kept(self):
        (row,) = read('{"Filename": "a", "tags": {"modality": "mri", " side ": null}}', "m.ndjson")
        assert row.tags == {"modality": "mri", "side": ""}

    @pytest.mark.parametrize("text", ["{}", "1", '"a"', "", "[", "[" * 100_000, "nul"])
    def test_what_is_no_list_is_no_manifest(self, text):
        with pytest.raises(BadManifest, match=r"^m\.json"):
            read(text, "m.json")


NAMES = st.sampled_from(["m.csv", "m.json", "m.ndjson"])
HEADS = st.sampled_from([b"", b"filename\n", b"filename,tags,size\n", b"\xef\xbb\xbf", b"\xff\xfe"])


@given(NAMES, HEADS, st.binary() | st.text('a,"\n\\|[]{}:é\0 1').map(str.encode))
def test_any_bytes_are_rows_or_no_manifest(name, head, body):
    try:
        rows = read(head + body, name)
    except BadManifest as error:
        rows = [error]
    assert all(isinstance(row, manifests.Row | BadRow | BadManifest) for row in rows)
    assert all(str(row).isprintable() for row in rows)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
COLUMNS = st.sampled_from(["filename", "key", "tags", "created", "size", "private", "visibility"])


@given(st.lists(st.dictionaries(COLUMNS, VALUES), max_size=5))
def test_each_row_of_any_types_is_read_or_refused(rows):
    found = read(json.dumps(rows), "m.json")
    assert len(found) == len(rows)
    assert all(str(row).isprintable() for row in found)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=6))
def test_each_row_of_any_texts_is_read_or_refused(rows):
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["filename", "description"])
    writer.writerows(rows)
    if "\x00" not in file.getvalue():
        assert len(read(file.getvalue().encode("utf-8", "surrogatepass"))) == len(rows)
