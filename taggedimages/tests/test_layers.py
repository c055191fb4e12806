"""Who may import whom: the domain points one way and knows no edge and no HTTP."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IDENTITY = "taggedimages.identity"
# Each part of the domain may import those after it, and itself.
DOMAIN = ["search", "tags", "images", IDENTITY]
# What many parts of a dialect or of the domain stand on, and which itself knows none of them.
FOUNDATION = {
    "taggedimages.transactions",
    "taggedimages.postgresql.bulk",
    "taggedimages.postgresql.limits",
    "taggedimages.postgresql.prepared",
    "taggedimages.postgresql.routing",
}
EDGES = {"views", "serializers", "urls", "admin", "management", "parameters"}
HTTP = ("rest_framework", "django.http", "drf_spectacular", "django_filters")
SPEAKS_HTTP = {"taggedimages.identity.authentication"}
DIALECTS = "taggedimages.dialects"


def modules() -> Iterator[str]:
    """Every module of ours that is neither a test nor a migration."""
    for folder in ("taggedimages", "images", "tags", "search"):
        for file in (ROOT / folder).rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            if not {"tests", "migrations"} & set(parts):
                yield ".".join(parts).removesuffix(".__init__")


def imports(module: str) -> set[str]:
    """Every module that a module names in an import, those inside functions too."""
    file = ROOT / module.replace(".", "/")
    source = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            # `from images import storage` names a module, `from images.models import Image` not.
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def names_an_edge(module: str) -> bool:
    """Whether a module is called an edge, such as `views` or `facts_views`."""
    return any(name.rpartition("_")[2] in EDGES for name in module.split("."))


def part_of(module: str) -> str | None:
    """The part of the domain that a module belongs to; None for an edge or the house's own."""
    if names_an_edge(module):
        return None
    return next((part for part in DOMAIN if within(module, part)), None)


def is_edge(module: str) -> bool:
    named = names_an_edge(module) and not within(module, "django")
    ours = any(within(module, name) for name in (*DOMAIN, "taggedimages"))
    return ours and (named or within(module, DIALECTS) or within(module, "taggedimages.api"))


def in_domain() -> list[str]:
    return sorted(module for module in modules() if part_of(module))


@pytest.mark.parametrize("module", in_domain())
def test_the_domain_points_one_way(module):
    part = part_of(module)
    assert part
    allowed = DOMAIN[DOMAIN.index(part) :]
    wrong = {
        name
        for name in imports(module)
        if any(within(name, other) for other in (*DOMAIN, "taggedimages"))
        and not any(within(name, other) for other in (*allowed, *FOUNDATION))
        and name != "taggedimages"
    }
    assert wrong == set()


@pytest.mark.parametrize("module", in_domain())
def test_the_domain_imports_no_edge_and_no_http(module):
    wrong = {name for name in imports(module) if is_edge(name)}
    if module not in SPEAKS_HTTP:
        wrong |= {name for name in imports(module) if any(within(name, http) for http in HTTP)}
    assert wrong == set()


def dialect_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if within(module, DIALECTS) and len(parts) > 2 else None


@pytest.mark.parametrize("module", sorted(m for m in modules() if dialect_of(m)))
def test_no_dialect_knows_another(module):
    others = {dialect_of(name) for name in imports(module)} - {None, dialect_of(module)}
    assert others == set()


def test_only_the_doors_and_the_routes_know_the_dialects():
    knowing = {
        module
        for module in modules()
        if not within(module, DIALECTS) and any(within(name, DIALECTS) for name in imports(module))
    }
    assert knowing == {"taggedimages.doors"}


@pytest.mark.parametrize("module", sorted(FOUNDATION))
def test_the_foundation_stands_on_nothing_of_ours(module):
    ours = {name for name in imports(module) if any(within(name, p) for p in DOMAIN)}
    assert ours == set()


def test_only_storage_talks_to_s3():
    """The engines' supervisor asks its own whether it is up."""
    s3 = ("boto3", "botocore")
    talking = {m for m in modules() if any(within(name, p) for name in imports(m) for p in s3)}
    homes = ("images.storage", "taggedimages.engines")
    assert {m for m in talking if not any(within(m, home) for home in homes)} == set()


def test_every_module_says_what_it_is_for():
    def said(module: str) -> str | None:
        file = ROOT / module.replace(".", "/")
        source = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        text = source.read_text()
        return ast.get_docstring(ast.parse(text)) if text else "empty"

    assert [module for module in modules() if not said(module)] == []


def test_the_engines_start_without_django():
    """Settings read their state before Django is there."""
    state = imports("taggedimages.engines.state")
    assert not [name for name in state if within(name, "django")]


def test_the_web_does_not_load_what_decodes_pictures():
    """A tenth of the memory of each web process, and code that only ever sees hostile files."""
    asked = (
        "import sys; from taggedimages.wsgi import application; import taggedimages.urls;"
        " sys.exit(' '.join({'numpy', 'PIL', 'pydicom'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
