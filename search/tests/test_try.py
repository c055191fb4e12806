import random
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from images.audience import Viewer
from images.models import Image
from search import counting, folding, pages
from search.operators import TagValues
from search.plans import plan
from search.query import Query, find
from taggedimages.factories import make_image, make_user


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_all(seed, monkeypatch):
    rng = random.Random(seed)
    monkeypatch.setattr(folding, "LEAST", 4)
    monkeypatch.setattr(folding, "SHARE", 10**9)
    monkeypatch.setattr(counting, "FEW_LINKS", rng.choice([0, 3, 100]))
    a, b, staff = make_user(), make_user(), make_user()
    staff.is_staff = True
    staff.save()
    now = timezone.now()
    names = "abcdef"

    def change():
        what = rng.random()
        images = list(Image.objects.all())
        if what < 0.5 or not images:
            by = rng.choice([None, a, b])
            make_image(
                *rng.sample(names, rng.randrange(4)),
                by=by,
                private=rng.random() < 0.3,
                created_at=now + timedelta(hours=rng.choice([-1, -2, -3, -4, -5, 0, 5])),
                ended_at=rng.choice(
                    [None, None, None, None, now - timedelta(hours=1), now + timedelta(hours=1)]
                ),
            )
        elif what < 0.8:
            from taggedimages.factories import TESTS
            from tags import tagging

            tagging.retag(rng.choice(images), rng.sample(names, rng.randrange(4)), TESTS)
        elif what < 0.9:
            i = rng.choice(images)
            i.private = not i.private
            i.ended_at = rng.choice([None, now, now + timedelta(hours=1)])
            i.uploaded_at = rng.choice([None, now])
            i.save()
        elif what < 0.95:
            rng.choice(images).delete()
        else:
            folding.fold(rng.choice([3, 1000]))
            from search.verifying import verify

            if rng.random() < 0.3:
                assert verify().right

    if rng.random() < 0.3:
        folding.rebuild()
    for _ in range(60):
        change()
        for _ in range(3):
            q = Query(
                exact_tags=tuple(rng.sample(names, rng.randrange(3))),
                match_tags=tuple(rng.choice([(), ("%",), ("A",), ("%e%", "f%")])),
                with_any=tuple(TagValues(n) for n in rng.sample(names, rng.choice([0, 0, 2, 3]))),
                without_any=tuple(
                    TagValues(n) for n in rng.sample(names, rng.choice([0, 0, 1, 2]))
                ),
                untagged=rng.random() < 0.1,
                uploaded_only=rng.random() < 0.3,
                created_from=rng.choice([None, None, now - timedelta(hours=3)]),
                created_before=rng.choice([None, None, now - timedelta(hours=1)]),
            )
            user = rng.choice([None, a, b, staff])
            p = plan(q, Viewer.of(user))
            want = list(find(q, user).values_list("pk", flat=True))
            t = counting.total(p)
            if t.images != len(want):
                with connection.cursor() as c:
                    c.execute(
                        "select i.id, i.private, i.ended_at, i.created_by_id, i.created_at, now(), array_agg(l.audience), array_agg(l.image_created_at), array_agg(l.tag_id) from images_image i left join tags_imagetag l on l.image_id=i.id group by 1"
                    )
                    for r in c.fetchall():
                        print(r)
                    print(want, p)
            assert t.images == len(want), (q, user, t, len(want))
            if t.images:
                for way in (
                    pages._by_images,
                    *((pages._by_links,) if p.clauses else ()),
                    *((pages._by_bitmaps,) if t.by_bitmaps else ()),
                ):
                    with connection.cursor() as c:
                        from search import conditions

                        c.execute(way(p, t), conditions.parameters(p) | {"limit": 100, "offset": 1})
                        got = [r[0] for r in c.fetchall()]
                        if got != want[1:101]:
                            print(way(p, t), p, got, want, t)
                            c.execute(
                                "select i.id, i.private, i.ended_at, i.created_by_id, i.created_at, statement_timestamp(), array_agg(l.audience), array_agg(l.image_created_at), array_agg(l.tag_id) from images_image i left join tags_imagetag l on l.image_id=i.id where i.id = any(%s) group by 1",
                                [list(set(got) ^ set(want))],
                            )
                            print(c.fetchall())
                        assert got == want[1:101], (way, q, user)
            assert pages.page(p, t, 100) == want[:100]
