"""Measures the service: what each command does is in docs/benchmarks.md."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import django

from benchmarks import options as command_line
from benchmarks.corpus import Corpus
from benchmarks.goals import Found
from benchmarks.options import Options
from benchmarks.stamp import stamp


def main(words: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = command_line.read(words)
    return COMMANDS[options.command](options) or 0


def generate(options: Options) -> None:
    made(options, options.images, options.folder)


def questions(options: Options) -> None:
    from benchmarks import questions

    say(f"{questions.write(Corpus(options.folder))} is written.")


def load(options: Options) -> None:
    with_django()
    from benchmarks import loading

    ledger, lines = not options.without_ledger, options.lines
    corpus = Corpus(options.folder)
    loading.load(corpus, say, ledger=ledger, lines=lines, projects=options.projects)


def search(options: Options) -> int:
    with_django()
    from django.db import connection

    from benchmarks import callers, floor_database, service
    from benchmarks.searching import Comparison

    corpus = Corpus(options.folder)
    base = options.base or service.running()
    only = frozenset(filter(None, options.kinds.split(",")))
    server = connection.get_connection_params() | service.account_for_databases()
    with (
        floor_database.throw_away(server, corpus, keep=options.keep_floor) as beneath,
        callers.known(options.credentials) as caller,
    ):
        say("The floor is built.")
        run = Comparison(base, options.token, corpus, beneath, options.seconds, say, only, caller)
        found = stamp() | run.run().as_dict()
    show([found], options)
    return int(any(kind["wrong"] for kind in found["kinds"].values()))


def in_turn(options: Options) -> int:
    from benchmarks import in_turn, tables
    from benchmarks.attacks import credentials

    corpus, only = Corpus(options.folder), frozenset(filter(None, options.kinds.split(",")))
    first, second = options.bases
    a, b = (list(map(credentials.read, options.credentials)) * 2)[:2] or (None, None)
    run = in_turn.Alternation(
        (first, second), options.token, corpus, options.rounds, options.seconds, say, only, (a, b)
    )
    found = stamp() | run.run()
    text = tables.of_in_turn(found, markdown=options.markdown)
    print(json.dumps(found, indent=1) if options.json else text)
    return int(any(kind["different"] for kind in found["in_turn"].values()))


def page(options: Options) -> None:
    with_django()
    from benchmarks import page

    show([stamp() | {"page": page.measure()}], options)


def costs(options: Options) -> None:
    with_django()
    from benchmarks import costs

    show([stamp() | {"costs": costs.measure(say)}], options)


def sizes(options: Options) -> None:
    with_django()
    from benchmarks import sizes

    asked = sizes.Asked(options.images, options.links, options.lines)
    show([stamp() | {"sizes": sizes.measure(asked)}], options)


def writes(options: Options) -> None:
    with_django()
    from benchmarks import service
    from benchmarks.writes import Writes

    base = options.base or service.running()
    found = Writes(base, options.token, options.seconds, say).run()
    show([stamp() | {"writes": found, "web_memory": service.web_memory()}], options)


def slow_readers(options: Options) -> int:
    from benchmarks import service
    from benchmarks.slow_readers import SlowReaders

    with_django()
    base = options.base or service.running()
    corpus, readers = Corpus(options.folder), options.readers
    found = SlowReaders(base, options.token, corpus, readers, options.seconds, say).run()
    show([stamp() | {"images": corpus.size, "slow_readers": found}], options)
    return int(bool(found["wrong"]))


def changes(options: Options) -> int:
    with_django()
    from benchmarks import service
    from benchmarks.changes import BulkChange

    base = options.base or service.running()
    corpus = Corpus(options.folder)
    found = BulkChange(base, options.token, corpus, options.seconds, say).run()
    show([stamp() | {"images": corpus.size, "change": found}], options)
    return int(bool(found["wrong"]))


def releases(options: Options) -> int:
    with_django()
    from benchmarks import service
    from benchmarks.releases import Releases

    base = options.base or service.running()
    corpus = Corpus(options.folder)
    found = Releases(base, options.token, corpus, options.seconds, say).run()
    show([stamp() | {"images": corpus.size, "releases": found}], options)
    return int(bool(found["past"]["wrong"]))


def vocabulary(options: Options) -> None:
    show([vocabulary_of(options)], options)


def import_images(options: Options) -> None:
    show([import_of(options.images)], options)


def workplace(options: Options) -> None:
    with_django()
    from benchmarks import service, workplace
    from images.models import Image

    base = options.base or service.running()
    found = workplace.measure(base, options.seconds, say)
    show([stamp() | {"images": Image.objects.count(), "workplace": found}], options)


def screenshots(options: Options) -> None:
    from benchmarks import throwaway

    with throwaway.service() as up:
        os.environ.clear()
        os.environ |= throwaway.environment(up.data)
        with_django()
        from benchmarks import screenshots

        only = frozenset(filter(None, options.only.split(",")))
        screenshots.take(up.url, options.folder, say, only)


def back_up(options: Options) -> None:
    from benchmarks import throwaway

    with throwaway.service() as up:
        os.environ.clear()
        os.environ |= throwaway.environment(up.data)
        with_django()
        from benchmarks import backups

        found = backups.measure(up.data, options.images, options.files, say)
    print(json.dumps(stamp() | {"backups": found}, indent=1))


def verify(options: Options) -> None:
    from benchmarks import throwaway

    with throwaway.service() as up:
        os.environ.clear()
        os.environ |= throwaway.environment(up.data)
        with_django()
        from benchmarks import verifying

        found = verifying.measure(options.files, options.per_minute, say)
    print(json.dumps(stamp() | {"verified": found}, indent=1))


def inspection(options: Options) -> None:
    from benchmarks import throwaway

    with throwaway.service() as up:
        os.environ.clear()
        os.environ |= throwaway.environment(up.data)
        with_django()
        from benchmarks import inspection

        found = inspection.measure(up, options.files, options.unannounced, options.seconds, say)
    show([stamp() | {"inspection": found}], options)


def container(options: Options) -> int:
    from benchmarks import throwaway

    with throwaway.service() as up:
        os.environ.clear()
        # Without a proxy; open to all, since one address has limits of rate otherwise.
        open_to_all = {"TAGGEDIMAGES_HTTPS": "false", "TAGGEDIMAGES_ANONYMOUS": "open"}
        os.environ |= throwaway.environment(up.data) | open_to_all
        with_django()
        from django.core.management import call_command

        from benchmarks import container

        call_command("demo", images=options.images, stdout=sys.stderr)
        found = container.measure(options.clients, options.seconds, say)
    print(json.dumps(stamp() | {"container": found}, indent=1))
    # Those who have to come back are told so by 503; nothing else may go wrong.
    others = found["errors"] - found["statuses"].get(503, 0)
    return int(others > 0 or found["ending"]["exit_code"] != 0)


def suite(options: Options) -> None:
    results = []
    for found in measured(options):
        results.append(found)
        if options.out:
            keep(results, options.out)
    show(results, options)


def measured(options: Options) -> Iterator[Found]:
    """The results of a suite: of each corpus, and of what is measured once."""
    from benchmarks import suite, throwaway

    parts = options.only.split(",") if options.only else [*suite.ON_CORPUS, *suite.ONCE]
    for at in range(len(options.images or options.corpus)):
        with throwaway.folder_for_a_while() as folder:
            corpus = (
                Corpus(options.corpus[at])
                if options.corpus
                else made(options, options.images[at], folder)
            )
            say(f"{corpus.size} images")
            ledger = not options.without_ledger
            yield suite.run(corpus, parts, options.seconds, ledger=ledger)
    if "vocabulary" in parts:
        yield vocabulary_of(options)
    if "import" in parts:
        yield import_of(options.imports)


def vocabulary_of(options: Options) -> Found:
    from benchmarks import many_tags

    return stamp() | many_tags.measure(options.tags, options.seconds, say)


def import_of(images: int) -> Found:
    from benchmarks import importing

    return stamp() | {"import": importing.measure(images, say)}


def made(options: Options, images: int, folder: Path) -> Corpus:
    """A corpus of so many images as the options want it."""
    from benchmarks import generating

    seed, shuffled, mean = options.seed, options.shuffled, options.tags_per_image
    return generating.generate(
        images, folder, seed=seed, shuffled=shuffled, tags_per_image=mean, files=options.files
    )


def keep(results: list[Found], folder: Path) -> None:
    """Write the last of the results into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    last = results[-1]
    name = last.get("images") or ("vocabulary" if "vocabulary" in last else "import")
    (folder / f"{name}.json").write_text(json.dumps(last, indent=1))


def with_django() -> None:
    """Settings find the database that the environment names, or that of the `up` here."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taggedimages.settings")
    django.setup()


def show(results: list[Found], options: Options) -> None:
    """Print results as asked for: those of a suite are a list."""
    from benchmarks import tables

    if options.json:
        print(json.dumps(results if options.command == "suite" else results[0], indent=1))
        return
    texts = [tables.of(found, markdown=options.markdown) for found in results]
    sizes = [found for found in results if "kinds" in found]
    if len(sizes) > 1:
        texts.append(tables.of_growth(sizes, markdown=options.markdown))
    print("\n\n".join(texts))


def say(line: str) -> None:
    """Progress, apart from results."""
    print(line, file=sys.stderr, flush=True)


def end(number: int, frame: object) -> None:
    """Go, but through every `finally`, so that nothing is left behind."""
    sys.exit(128 + number)


COMMANDS = {
    "generate": generate,
    "questions": questions,
    "load": load,
    "search": search,
    "in_turn": in_turn,
    "page": page,
    "costs": costs,
    "writes": writes,
    "slow_readers": slow_readers,
    "changes": changes,
    "releases": releases,
    "vocabulary": vocabulary,
    "import": import_images,
    "workplace": workplace,
    "screenshots": screenshots,
    "sizes": sizes,
    "backup": back_up,
    "verify": verify,
    "container": container,
    "inspection": inspection,
    "suite": suite,
}

if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    sys.exit(main())
