"""The files of one patient have one pseudonym, and nothing else that is kept or told says who."""

import logging
from typing import Any

import jwt
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from images import processing, subjects
from images.models import Facts, Image, SubjectKey
from images.tests.files import dicom, encoded, photo
from taggedimages.factories import TESTS, make_credentials, make_image
from taggedimages.identity.models import User
from tags import tagging

pytestmark = pytest.mark.django_db

CANARY, ISSUER = "CANARY-7731", "ISSUER-2209"


def inspected(body: bytes, **fields: Any) -> Image:
    image = make_image(body=body, check_at=timezone.now(), **fields)
    processing.sweep()
    return Image.objects.select_related("facts").get(pk=image.pk, facts__problem="")


def subject_of(**header: Any) -> bytes | None:
    """What is kept of a file with these fields in its header."""
    subject = inspected(dicom(header=header)).facts.subject
    return None if subject is None else bytes(subject)


def test_a_patient_has_one_subject_within_an_issuer():
    one = subject_of(PatientID="1", IssuerOfPatientID="A")
    assert one is not None
    assert len(one) == 16
    assert one == subject_of(PatientID="1", IssuerOfPatientID="A", Modality="MR")
    others = [
        subject_of(PatientID="2", IssuerOfPatientID="A"),
        subject_of(PatientID="1", IssuerOfPatientID="B"),
        subject_of(PatientID="1"),
        # The same letters, parted otherwise.
        subject_of(PatientID="", IssuerOfPatientID="A1"),
        subject_of(PatientID="A1"),
    ]
    assert len({one, *others}) == 6


def test_blanks_around_an_id_and_its_character_set_say_nothing():
    assert subject_of(PatientID=" 1 ") == subject_of(PatientID="1")
    latin = subject_of(SpecificCharacterSet="ISO_IR 100", PatientID="Zürich-1")
    assert latin == subject_of(SpecificCharacterSet="ISO_IR 192", PatientID="Zürich-1")
    assert latin != subject_of(PatientID="Zrich-1")


@pytest.mark.parametrize("patient", [None, "", "   "])
def test_who_is_not_named_has_no_subject(patient):
    assert subject_of(PatientID=patient, IssuerOfPatientID="A") is None


def test_other_formats_have_none():
    assert inspected(encoded(photo(), "PNG")).facts.subject is None
    assert not SubjectKey.objects.exists()


def test_reprocess_tells_that_of_old_files():
    image = inspected(dicom())
    subject = image.facts.subject
    assert Facts.objects.update(subject=None)
    call_command("reprocess", "--ready")
    processing.sweep()
    assert Facts.objects.get().subject == subject is not None


def test_another_installation_has_other_subjects():
    one = subject_of(PatientID="1")
    SubjectKey.objects.all().delete()
    assert subject_of(PatientID="1") != one


def test_subjects_stay_when_the_secret_key_is_rotated(settings):
    one, before = subject_of(PatientID="1"), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [before]
    assert subject_of(PatientID="1") == one
    settings.SECRET_KEY_FALLBACKS = []
    assert subject_of(PatientID="1") == one


def test_a_lost_secret_key_makes_no_new_patients(settings, caplog):
    one, before = subject_of(PatientID="1"), settings.SECRET_KEY
    settings.SECRET_KEY = "n" * 50
    assert subject_of(PatientID="1") is None
    assert "key of subjects cannot be read" in caplog.text
    settings.SECRET_KEY = before
    assert subject_of(PatientID="1") == one


def test_what_a_reader_tells_is_a_digest_and_no_id(look):
    found = look(dicom(header={"PatientID": CANARY})).findings
    assert len(bytes.fromhex(found.subject)) == 32
    assert CANARY not in repr(found)
    assert subjects.pseudonym("") is None


def stored() -> str:
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def answers(image: Image) -> str:
    """What the APIs and the admin tell of an image."""
    boss = make_credentials("boss")
    User.objects.filter(username="boss").update(is_staff=True, is_superuser=True)
    claims = jwt.encode({"iss": boss.secret_id, "admin": True}, boss.secret, "HS256")
    asked = [
        (f"/v1/images/{image.pk}", f"Bearer {boss.token}"),
        (f"/v1/images/{image.pk}/facts", f"Bearer {boss.token}"),
        (f"/v1/images/{image.pk}/history", f"Bearer {boss.token}"),
        ("/v1/search/images?exact_tags=knee", f"Bearer {boss.token}"),
        (f"/api/v2/images/{image.pk}", f"TOKEN {boss.token}"),
        ("/api/v1/albums/default/images", f'Token token="{claims}"'),
    ]
    client = Client()
    pages = [client.get(path, HTTP_AUTHORIZATION=login) for path, login in asked]
    pages.append(client.get("/v2/images", HTTP_X_AUTH_TOKEN=boss.token))
    client.force_login(User.objects.get(username="boss"))
    pages.append(client.get(f"/admin/images/image/{image.pk}/change/"))
    assert [page.status_code for page in pages] == [200] * 8
    return "\n".join(page.content.decode() for page in pages)


def test_the_patients_id_is_in_no_row_log_or_answer_nor_the_subject_in_one(caplog):
    caplog.set_level(logging.DEBUG)
    header = {"PatientID": CANARY, "IssuerOfPatientID": ISSUER}
    image = inspected(dicom(header=header))
    tagging.tag(image, ["knee"], TESTS)
    # One that fails, whose reason is kept.
    broken = make_image(body=dicom(header=header)[:-3000], check_at=timezone.now())
    processing.sweep()
    assert Facts.objects.get(image=broken).problem
    assert image.facts.subject is not None
    subject = bytes(image.facts.subject).hex()
    told = answers(image)
    rows = stored()
    assert subject in rows
    for secret in (CANARY, ISSUER):
        for text in (secret, secret.encode().hex()):
            assert text.lower() not in rows.lower()
            assert text not in told
            assert text not in caplog.text
    assert subject not in told.lower()
