"""What is stored encrypted outlives SECRET_KEY: all of it is encrypted anew by the next one, by a
command that can be interrupted and repeated; what is signed holds as long as the fallback does."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from images import subjects
from images.models import SubjectKey
from taggedimages.datasets import signing
from taggedimages.encrypted import COLUMNS
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity import credentials
from taggedimages.identity.models import KeptAnswer, SigningKey

pytestmark = pytest.mark.django_db

NEW_KEY = "a new key of more than thirty-two characters"
DIGEST = "00" * 32


@pytest.fixture
def kept(client):
    """Something of every kind: signing secrets, keys of releases and of subjects, a kept answer."""
    known = make_credentials()
    signing.ensure_key()
    subject = subjects.pseudonym(DIGEST)

    def ask():
        asked = json.dumps({"filename": "sun.png", "size": 5})
        headers = {"Authorization": f"Bearer {known.token}", "Idempotency-Key": "once"}
        return client.post("/v1/images", asked, content_type="application/json", headers=headers)

    answer = ask()
    assert answer.status_code == 201, answer.content
    return known, subject, ask, answer.content


def rotate_keys(*arguments):
    """What the command tells, by part or column."""
    out = io.StringIO()
    call_command("rotate_keys", "--json", *arguments, stdout=out, stderr=io.StringIO())
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    return {one.get("part") or one["column"]: one for one in told}


def use_new_key(settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW_KEY


def rows():
    """How many of each there are that older keys have encrypted."""
    return {column.name: column.by_older_keys() for column in COLUMNS}


def test_all_that_is_encrypted_is_encrypted_anew(kept, settings):
    known, subject, ask, answer = kept
    assert set(rows().values()) == {0}
    use_new_key(settings)
    before = rows()
    assert all(before.values()), "something of each kind"
    # It says how much there is, and does nothing.
    said = rotate_keys()
    assert {name: said[name]["rows"] for name in before} == before == rows()
    said = rotate_keys("--apply")
    assert {name: said[name]["rows"] for name in before} == before
    assert set(rows().values()) == {0}
    settings.SECRET_KEY_FALLBACKS = []
    assert [column.unreadable() for column in COLUMNS] == [0] * len(COLUMNS)
    found = credentials.signing_secret(SigningKey.Kind.IMS, known.access_key)
    assert found
    assert found[1] == known.secret_key
    assert subjects.pseudonym(DIGEST) == subject
    assert ask().content == answer
    signing.ensure_key()


def test_it_is_done_in_steps_and_goes_on_where_it_was(kept, settings):
    use_new_key(settings)
    assert COLUMNS[0].encrypt_anew()
    assert COLUMNS[0].encrypt_anew() == 0
    assert rotate_keys("--encrypt")[COLUMNS[0].name]["rows"] == 0
    assert set(rows().values()) == {0}


def test_what_no_key_reads_is_left_as_it_is(kept, settings):
    SubjectKey.objects.update(encrypted_key=b"of nobody's key")
    use_new_key(settings)
    assert rotate_keys("--apply")["keys of subjects"]["rows"] == 0
    assert bytes(SubjectKey.objects.get().encrypted_key) == b"of nobody's key"


def test_an_answer_that_is_written_meanwhile_is_not_undone(kept, settings, monkeypatch):
    use_new_key(settings)
    [answers] = [column for column in COLUMNS if column.model is KeptAnswer]
    [(scope, token)] = answers.rows()
    KeptAnswer.objects.update(answer=b"another")
    monkeypatch.setattr(type(answers), "rows", lambda self: iter([(scope, token)]))
    assert answers.encrypt_anew() == 0
    assert bytes(KeptAnswer.objects.get().answer) == b"another"


def test_of_keys_that_are_given_from_outside_it_says_what_to_set():
    said = rotate_keys()
    assert not any(
        said[part]["embedded"] for part in ("secret_key", "hook_secret", "postgres", "s3")
    )
    assert "SECRET_KEY_FALLBACKS" in said["secret_key"]["says"]
    with pytest.raises(CommandError, match="leave out SECRET_KEY_FALLBACKS"):
        rotate_keys("--forget", "--apply")
    with pytest.raises(CommandError, match="There is no wifi") as misuse:
        rotate_keys("--only", "wifi")
    assert misuse.value.returncode == 2


def test_cursors_hold_while_the_key_that_signed_them_is_a_fallback(api, settings):
    for _ in range(3):
        make_image()
    link = api.get("/v1/images?limit=1&order=oldest").headers["Link"]
    following = link[link.index("<") + 1 : link.index(">")].replace("http://testserver", "")
    use_new_key(settings)
    assert api.get(following).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert api.get(following).status_code == 400
