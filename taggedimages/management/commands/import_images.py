"""Make images of files that exist already: objects of a bucket, or the files of a folder."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from images import storage
from images.sources import NoSource, source
from taggedimages.changes import recording
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project
from taggedimages.management import base
from taggedimages.management.asking import user_named
from taggedimages.terminal import lines, progress
from tags import importing, manifests
from tags.manifest_files import BadManifest
from tags.path_tags import BadPattern, path_pattern


class Command(base.Command):
    help = (
        "Objects of the service's own bucket are registered where they are; those of another "
        "bucket are copied, files of a folder are uploaded. Interrupted or repeated, it goes on "
        "where it was: what has a record already is left as it is."
    )
    examples = (
        "import_images /srv/pictures --tags-from-path '{tag}/{tag}/{filename}'",
        "import_images s3://archive/2025/ --manifest archive.csv",
        "import_images /srv/pictures --project clinic --by mira --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="s3://bucket/prefix or a folder")
        parser.add_argument(
            "--tags-from-path",
            metavar="PATTERN",
            default="",
            help='such as "{tag}/{tag}/{filename}"; {tags}: any number of folders; *: anything',
        )
        parser.add_argument(
            "--manifest",
            type=Path,
            metavar="FILE",
            help="a .csv, .json or .ndjson that says which files, and their filename, tags, "
            "created, uploaded, size, visibility or private, description; with size, objects of "
            "the own bucket are not looked at",
        )
        parser.add_argument("--project", help="where the images belong (that of --by)")
        parser.add_argument("--by", metavar="USERNAME", help="who imports (nobody)")
        parser.add_argument("--json", action="store_true", help="what came of it as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            task = self.task(options)
            tags_of = path_pattern(options["tags_from_path"])
            with recorded(task, options["source"]):
                if manifest := options["manifest"]:
                    rows = manifests.read(manifest, tags_of, task.source.path)
                    self.run(task, rows, manifests.length(manifest))
                else:
                    self.run(task, importing.listed(task.source, tags_of))
            self.tell(task, as_json=options["json"])
        except (NoSource, BadManifest, BadPattern, recording.ImportEnded) as error:
            raise CommandError(str(error)) from error
        except storage.StorageUnavailable as error:
            raise CommandError(f"{error} Run it again: it goes on from here.") from error
        if task.problems:
            raise CommandError(f"{task.problems} files were not imported.")

    def task(self, options: dict[str, Any]) -> importing.Import:
        """What is asked for. Raises NoSource and CommandError."""
        by = user_named(options["by"]) if options["by"] else None
        author = Author(by, "command:import", is_operator=True)
        project, _ = Project.objects.get_or_create(id=author.project_id)
        if options["project"]:
            found = Project.objects.filter(id=options["project"]).first()
            if found is None:
                raise CommandError(f"There is no project {options['project']}.")
            project = found
        return importing.Import(source(options["source"]), author, project)

    def run(
        self, task: importing.Import, rows: Iterable[importing.Known], total: int | None = None
    ) -> None:
        """Import, and say how far it is."""
        with progress("Import", total, "files") as bar:
            for problems in importing.run(task, rows):
                for problem in problems:
                    with lines():
                        self.stderr.write(problem)
                bar.set_postfix(new=task.images, refresh=False)
                bar.n = task.images + task.known + task.problems + task.passed_over
                bar.refresh()

    def tell(self, task: importing.Import, *, as_json: bool) -> None:
        """Say what came of it."""
        change = task.bulk if task.images else None
        if as_json:
            told = ("images", "links", "known", "problems", "passed_over")
            counts = {name: getattr(task, name) for name in told}
            self.stdout.write(json.dumps(counts | {"change": change}))
            return
        if task.passed_over:
            self.stdout.write(f"{task.passed_over} files and folders passed over, as told above.")
        if task.known:
            self.stdout.write("What is known already was left as it is: no tags were added to it.")
        self.stdout.write(
            f"{task.images} images with {task.links} tags imported, {task.known} known already, "
            f"{task.problems} not imported; " + (f"change {change}" if change else "no change")
        )


@contextmanager
def recorded(task: importing.Import, where: str) -> Iterator[None]:
    """Have an import be a change, which says so where it breaks off."""
    change = recording.begin_import(task.by, task.project, where, task.change_id)
    task.bulk, task.on_images = change.pk, partial(recording.add_imported, change.pk)
    problem = "The import was interrupted."
    try:
        yield
        problem = ""
    except Exception as error:
        problem = f"The import broke off: {error}"
        raise
    finally:
        recording.end_import(change.pk, problem)
