"""Makes a corpus: the same files for the same number of images and seed.

Tags are used as people use them: a score of them on every tenth image and more, most of them a few
times; a quarter of an image's tags come from its topic, so that tags keep each other's company.
Images come evenly over five years, nine in ten with a file unless told. `shuffled`: in any order of
their ids, as imports do.
"""

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import questions
from benchmarks.contents import Links, Numbers
from benchmarks.corpus import DAY, Corpus

START = 1_609_459_200  # 2021-01-01
DAYS = 5 * 365
MOST_TAGS = 60
TOPIC_TAGS = 12
QUERIES = 200
# A tag on no more images than these is rare.
RARE = 50
AT_ONCE = 200_000
NAMES = ("IMG_{:06}.jpg", "DSC{:05}.JPG", "scan-{}.png", "photo ({}).jpeg", "{}.webp")
# What the content of each is, in place of the first that is DICOM after all, of some.
FORMATS = np.array(["jpeg", "jpeg", "png", "jpeg", "webp"])
DICOM_SHARE = 0.06
# What cameras and scanners make, as often as they do; every third picture is cut to any size.
PIXELS = np.array([(4000, 3000), (6000, 4000), (4032, 3024), (1920, 1080), (1280, 720), (640, 480)])
PIXEL_SHARES = (0.3, 0.2, 0.2, 0.15, 0.1, 0.05)
CUT_SHARE, CUT_SIDE_MIN = 0.35, 64
MODALITIES = np.array(["CR", "DX", "MR", "CT", "US", "MG"])
MODALITY_SHARES = (0.4, 0.25, 0.15, 0.12, 0.06, 0.02)
BODY_PARTS = np.array(["CHEST", "KNEE", "HAND", "SKULL", "PELVIS", "BREAST", "", "LSPINE"])
BODY_PART_SHARES = (0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05)
SYLLABLES = np.array(
    [a + e + z for a in "bdfgklmnprstvz" for e in "aeiou" for z in ("", "l", "n", "r", "s")]
)


def generate(
    images: int,
    folder: Path,
    *,
    seed: int = 1,
    shuffled: bool = False,
    tags_per_image: float = 12,
    tags: int | None = None,
    files: float = 0.9,
) -> Corpus:
    """Write the files of a corpus of so many images into a folder.

    `tags` is how many there are in all: fifty times the root of the images, unless told. `files` is
    the share of the images that have one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(folder)
    rng = np.random.default_rng([seed, images])
    names = _names(rng, tags or max(200, round(50 * images**0.5)))
    corpus.tags.write_text("".join(f"{tag},{name}\n" for tag, name in enumerate(names[1:], 1)))
    created = START + (np.arange(images) * (DAYS * DAY / images)).astype(np.int64)
    if shuffled:
        rng.shuffle(created)
    named, arrived = _write_images(rng, corpus.images, created, files)
    # Drawn apart, so that what is drawn besides stays what it was.
    _write_facts(np.random.default_rng([seed, images, 2]), corpus.facts, named, arrived)
    pairs = list(_write_links(rng, corpus.links, images, len(names), tags_per_image))
    of_images = np.concatenate([image for image, _ in pairs])
    of_tags = np.concatenate([tag for _, tag in pairs])
    links = Links.by_tag(of_images, of_tags, len(names) - 1)
    told = {"images": images, "tags": len(names) - 1, "seed": seed, "page": 100}
    kinds = _queries(rng, names, created, links, (of_images, of_tags))
    (folder / "queries.json").write_text(json.dumps(told | {"kinds": kinds}))
    questions.write(corpus)
    return corpus


def _names(rng: np.random.Generator, count: int) -> list[str]:
    """So many names by id, which begins at 1; neither tells how common a tag is."""
    found: dict[str, None] = {"": None}
    while len(found) <= count:
        words = ["".join(rng.choice(SYLLABLES, rng.integers(2, 5))) for _ in range(count // 4)]
        for word in words:
            found.setdefault(word if rng.random() < 0.7 else f"{word}_{rng.choice(SYLLABLES)}")
    return list(found)[: count + 1]


def _write_images(
    rng: np.random.Generator, path: Path, created: Numbers, files: float
) -> tuple[Numbers, NDArray[np.bool_]]:
    """Returns which of NAMES each has, and whether it has its file."""
    every, there = [], []
    with path.open("w") as file:
        for first in range(0, len(created), AT_ONCE):
            times = created[first : first + AT_ONCE]
            kinds = rng.integers(len(NAMES), size=len(times))
            numbers = rng.integers(1, 10**7, size=len(times))
            sizes = rng.lognormal(14.6, 0.8, size=len(times)).astype(np.int64)
            uploaded = times + 1 + rng.exponential(90, size=len(times)).astype(np.int64)
            arrived = rng.random(len(times)) < files
            columns = (kinds, numbers, sizes, times, uploaded, arrived)
            rows = zip(*(column.tolist() for column in columns), strict=True)
            file.writelines(
                f"{image},{NAMES[kind].format(number)},{size},{at},{then if came else ''}\n"
                for image, (kind, number, size, at, then, came) in enumerate(rows, first + 1)
            )
            every.append(kinds)
            there.append(arrived)
    return np.concatenate(every), np.concatenate(there)


def _write_facts(
    rng: np.random.Generator, path: Path, kinds: Numbers, arrived: NDArray[np.bool_]
) -> None:
    with path.open("w") as file:
        for first in range(0, len(kinds), AT_ONCE):
            some = kinds[first : first + AT_ONCE]
            is_dicom = rng.random(len(some)) < DICOM_SHARE
            formats = np.where(is_dicom, "dicom", FORMATS[some])
            pixels = PIXELS[rng.choice(len(PIXELS), size=len(some), p=PIXEL_SHARES)]
            turned = rng.random(len(some)) < 0.25
            pixels[turned] = pixels[turned, ::-1]
            cut = rng.random(len(some)) < CUT_SHARE
            pixels[cut] = rng.integers(CUT_SIDE_MIN, pixels[cut] + 1)
            modality = rng.choice(MODALITIES, size=len(some), p=MODALITY_SHARES)
            part = rng.choice(BODY_PARTS, size=len(some), p=BODY_PART_SHARES)
            columns = (
                arrived[first : first + AT_ONCE], formats, pixels[:, 0], pixels[:, 1],
                np.where(is_dicom, modality, ""), np.where(is_dicom, part, ""),
            )  # fmt: skip
            rows = zip(*(column.tolist() for column in columns), strict=True)
            file.writelines(
                f"{image},{of},{width},{height},{kind},{body}\n"
                for image, (came, of, width, height, kind, body) in enumerate(rows, first + 1)
                if came
            )


def _write_links(
    rng: np.random.Generator, path: Path, images: int, tags: int, mean: float
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yields what it writes: images and their tags, about `mean` each, ordered by both."""
    weights = (np.arange(1, tags) + 6.0) ** -1.3
    cumulative = np.cumsum(weights) / weights.sum()
    by_rank = rng.permutation(np.arange(1, tags))

    def draw(shape: Any) -> Numbers:
        ranks = np.minimum(np.searchsorted(cumulative, rng.random(shape)), tags - 2)
        return np.asarray(by_rank[ranks], dtype=np.int64)

    topics = draw((max(20, tags // 50), TOPIC_TAGS))
    with path.open("w") as file:
        for first in range(1, images + 1, AT_ONCE):
            some = np.arange(first, min(first + AT_ONCE, images + 1))
            # More are drawn than shall be, since some are drawn twice.
            wanted = np.minimum(
                1 + rng.gamma(2.2, mean * 6.1 / 12, len(some)).astype(np.int64), MOST_TAGS
            )
            wanted[rng.random(len(some)) < 0.01] = 0
            image = np.repeat(some, wanted)
            topic = np.repeat(rng.integers(len(topics), size=len(some)), wanted)
            from_topic = topics[topic, rng.integers(TOPIC_TAGS, size=len(image))]
            tag = np.where(rng.random(len(image)) < 0.25, from_topic, draw(len(image)))
            image, tag = np.divmod(np.unique(image * tags + tag), tags)
            pairs = zip(image.tolist(), tag.tolist(), strict=True)
            file.write("".join([f"{i},{t}\n" for i, t in pairs]))
            yield image, tag


def _queries(
    rng: np.random.Generator,
    names: list[str],
    created: Numbers,
    links: Links,
    pairs: tuple[Numbers, Numbers],
) -> dict[str, list[dict[str, Any]]]:
    uses = links.uses
    by_use = [int(tag) for tag in np.argsort(-uses, kind="stable") if uses[tag]]
    common = by_use[:QUERIES]
    rare = [tag for tag in by_use if uses[tag] <= RARE]

    def asked(tags: tuple[int, ...], **more: Any) -> dict[str, Any]:
        total = len(_having(links, tags))
        named = {"tags": [names[tag] for tag in tags], "offset": 0, "limit": 100, "total": total}
        return named | more

    pages = [
        asked((tag,), offset=page * 100)
        for page in range(99, 99 + QUERIES)
        for tag in common
        if uses[tag] > page * 100
    ]
    couples = list(combinations(by_use[:40], 2))
    return {
        "common_tag": [asked((tag,)) for tag in common],
        "rare_tag": [asked((int(tag),)) for tag in rng.permutation(rare)[:QUERIES]],
        "and2": [asked(couples[at]) for at in rng.permutation(len(couples))[:QUERIES]],
        "and3": [asked(three) for three in _threes(rng, *pairs)],
        "prefix": _prefixes(rng, names, links, by_use),
        "tag_date": [_dated(rng, asked((tag,)), links.of(tag), created) for tag in common],
        "deep_page": pages[:QUERIES],
        "first_page": [asked((), total=len(created))] * QUERIES,
    }


def _having(links: Links, tags: tuple[int, ...]) -> Numbers:
    """The images with all of the tags."""
    if not tags:
        return links.images[:0]
    found, *others = sorted(map(links.of, tags), key=len)
    for other in others:
        found = np.intersect1d(found, other, assume_unique=True)
    return found


def _threes(rng: np.random.Generator, image: Numbers, tag: Numbers) -> Iterator[tuple[int, ...]]:
    """Three tags that some image has."""
    for at in rng.integers(len(image), size=QUERIES):
        first, last = np.searchsorted(image, [image[at], image[at] + 1])
        own = rng.permutation(tag[first:last])[:3]
        if len(own) == 3:
            yield tuple(own.tolist())


def _prefixes(
    rng: np.random.Generator, names: list[str], links: Links, used: list[int]
) -> list[dict[str, Any]]:
    """The first three letters that several tags share."""
    groups: dict[str, list[int]] = {}
    for tag in used:
        groups.setdefault(names[tag][:3], []).append(tag)
    shared = sorted(prefix for prefix, tags in groups.items() if len(tags) > 1)
    found = []
    for at in rng.permutation(len(shared))[:QUERIES]:
        total = len(np.unique(np.concatenate([links.of(tag) for tag in groups[shared[at]]])))
        asked = {"tags": [], "prefix": shared[at], "offset": 0, "limit": 100, "total": total}
        found.append(asked)
    return found


def _dated(
    rng: np.random.Generator, asked: dict[str, Any], images: Numbers, created: Numbers
) -> dict[str, Any]:
    """The same within some days."""
    days = int(rng.choice([7, 30, 90, 180]))
    first = START + int(rng.integers(DAYS - days)) * DAY
    times = created[images - 1]
    total = int(np.count_nonzero((times >= first) & (times < first + days * DAY)))
    return asked | {"created_from": first, "created_to": first + days * DAY, "total": total}
