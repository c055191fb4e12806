"""What an import cannot take is told, and everything else is imported."""

import os

import pytest
from django.core.management import CommandError

from images.models import Image
from images.visibility import Visibility
from taggedimages.factories import make_png
from taggedimages.tests.importing import refused, run, tags_by_name, write
from tags import importing
from tags.models import Tag

# A batch has a connection of its own, which sees only what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path):
    """Five files, and one in a folder."""
    for path in ("a.png", "b.png", "c.png", "d.png", "e.png", "sub/a.png"):
        put(tmp_path / "pictures", path)
    return tmp_path / "pictures"


def put(folder, path, body=None):
    file = os.fsencode(folder) + b"/" + (path if isinstance(path, bytes) else path.encode())
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "wb") as written:
        written.write(make_png() if body is None else body)


def imported(text, folder, name="m.csv"):
    """What an import of a manifest says that has nothing to refuse."""
    return run(folder, "--manifest", write(folder.parent, name, text))


def refusal(text, folder, name="m.csv"):
    """The lines of one that has."""
    return refused(folder, "--manifest", write(folder.parent, name, text))


def test_words_of_yes_make_private_and_others_refuse_the_row(folder):
    lines = refusal(
        "filename, Private\na.png,yes\nb.png,ON\nc.png, t \nd.png,no\ne.png,maybe\n", folder
    )
    assert lines[0] == 'row 5: private: "maybe" is neither yes nor no'
    assert lines[1].startswith("4 images with 0 tags imported, 0 known already, 1 not imported")
    private = Image.objects.filter(visibility=Visibility.PRIVATE)
    assert {image.filename for image in private} == {"a.png", "b.png", "c.png"}


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ("filename,tag", 'm.csv: Column 2 is "tag", which is none of filename, key, tags, '),
        ("filename,tags,Tags", 'm.csv: Column 3 is "Tags" again.'),
        ("filename;tags", "columns are divided by commas, not ';'"),
        ("tags,size", "m.csv: There is no column filename or key."),
        ("", "m.csv: There is no line that names its columns."),
    ],
)
def test_a_column_that_is_not_known_ends_the_import_before_it_begins(folder, head, problem):
    with pytest.raises(CommandError) as ended:
        imported(f"{head}\na.png,knee\n" if head else "", folder)
    assert problem in str(ended.value)
    assert not Image.objects.exists()


def test_a_file_in_utf16_is_told(folder):
    (folder.parent / "m.csv").write_bytes("filename\na.png\n".encode("utf-16"))
    with pytest.raises(CommandError, match=r"m\.csv: It is UTF-16\. Save it as UTF-8\."):
        run(folder, "--manifest", folder.parent / "m.csv")


@pytest.mark.parametrize("name", ["m.csv", "m.json", "m.ndjson"])
def test_a_byte_order_mark_is_no_part_of_it(folder, name):
    text = {
        "m.csv": "filename,tags\na.png,knee\n",
        "m.json": '[{"filename": "a.png", "tags": ["knee"]}]',
        "m.ndjson": '{"filename": "a.png", "tags": ["knee"]}',
    }[name]
    assert imported("\ufeff" + text, folder, name).startswith("1 images with 1 tags imported")


def test_one_file_is_one_row_however_its_path_is_written(folder):
    rows = ["a.png,first", "./a.png,second", "sub//a.png,one", "sub/x/../a.png,two"]
    rows.append(f"{folder.resolve()}/a.png,third")
    lines = refusal("filename,tags\n" + "\n".join(rows), folder)
    assert lines[:3] == [
        "row 2: a.png: is in a row before",
        "row 4: sub/a.png: is in a row before",
        "row 5: a.png: is in a row before",
    ]
    assert lines[3].startswith("2 images with 2 tags imported, 0 known already, 3 not imported")
    assert run(folder).startswith("4 images with 0 tags imported, 2 known already")


def test_a_second_row_of_a_file_is_told_in_a_later_batch_too(folder, monkeypatch):
    monkeypatch.setattr(importing, "FILES_PER_BATCH", 1)
    lines = refusal("filename,tags\na.png,one\nb.png,two\na.png,three\n", folder)
    assert "row 3: a.png: is in a row before" in lines
    assert tags_by_name() == {"a.png": ["one"], "b.png": ["two"]}


def test_an_import_that_is_repeated_says_that_it_adds_no_tags(folder):
    imported("filename,tags\na.png,one\n", folder)
    assert imported("filename,tags\na.png,two\n", folder).startswith(
        "0 images with 0 tags imported, 1 known already, 0 not imported"
    )
    assert tags_by_name() == {"a.png": ["one"]}


class TestFolder:
    def test_a_name_that_is_no_utf8_or_has_controls_is_told_and_no_other_is_lost(self, folder):
        put(folder, b"Mu\xf1oz.png")
        put(folder, "bell\x07.png")
        put(folder, "empty.png", b"")
        lines = refused(folder)
        assert sorted(lines[:3]) == [
            r"Mu\xf1oz.png: the name is not UTF-8",
            r"bell\x07.png: Control characters are not allowed.",
            "empty.png: is empty",
        ]
        assert lines[3].startswith("6 images with 0 tags imported, 0 known already, 3 not imported")

    def test_what_systems_and_programs_keep_is_passed_over(self, folder):
        kept = (".DS_Store", "._a.png", "Thumbs.db", "desktop.ini", "a.xmp", "MVI_1.THM", ".hidden")
        for path in (*kept, ".git/a.png", "__MACOSX/a.png", "sub/@eaDir/a.png"):
            put(folder, path)
        (folder / "elsewhere").symlink_to(folder.parent)
        (folder / "broken.png").symlink_to(folder / "absent.png")
        assert run(folder) == "6 images with 0 tags imported, 0 known already, 0 not imported"
        assert {image.filename for image in Image.objects.all()} == {
            "a.png",
            *("b.png", "c.png", "d.png", "e.png"),
        }

    def test_each_that_is_passed_over_is_told(self, folder):
        put(folder, "sub/.DS_Store")
        put(folder, "@eaDir/a.png")
        put(folder, "empty.png", b"")
        lines = refused(folder)
        assert lines[:4] == [
            "@eaDir: passed over, a system's own folder",
            "sub/.DS_Store: passed over, a system's own file",
            "empty.png: is empty",
            "2 files and folders passed over, as told above.",
        ]

    def test_a_manifest_that_names_one_is_refused_that_row(self, folder):
        put(folder, ".DS_Store")
        lines = refusal("filename\n.DS_Store\na.png\n", folder)
        assert lines[0].startswith('row 1: filename: ".DS_Store" is no picture')

    def test_folders_are_tags_as_v1_spells_them(self, folder):
        for path in ("knee /1.png", "tab\t/2.png", "nbsp\u00a0/3.png", " hand/4.png"):
            put(folder.parent / "tagged", path)
        run(folder.parent / "tagged", "--tags-from-path", "{tag}/{filename}")
        assert set(Tag.objects.values_list("name", flat=True)) == {"knee", "tab", "nbsp", "hand"}

    def test_a_folder_that_is_no_tag_is_told(self, folder):
        put(folder, "be\x07ll/1.png")
        lines = refused(folder, "--tags-from-path", "{tag}/{filename}")
        assert lines[0] == (
            r"be\x07ll/1.png: a folder is no name of a tag: Control characters are not allowed."
        )
        assert Image.objects.count() == 6
