"""Who may import whom: the domain points one way and knows no edge and no HTTP."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IDENTITY = "taggedimages.identity"
# Each part of the domain may import those after it, and itself.
DOMAIN = ["taggedimages.datasets", "taggedimages.changes", "search", "tags", "images", IDENTITY]
# What many parts of a dialect or of the domain stand on, and which itself knows none of them.
FOUNDATION = {
    "taggedimages.epochs",
    "taggedimages.quoting",
    "taggedimages.monitoring.jobs",
    "taggedimages.monitoring.request_ids",
    "taggedimages.monitoring.series",
    "taggedimages.transactions",
    "taggedimages.truth",
    "taggedimages.postgresql.bounded",
    "taggedimages.postgresql.bulk",
    "taggedimages.postgresql.deferred_join",
    "taggedimages.postgresql.folding",
    "taggedimages.postgresql.fragments",
    "taggedimages.postgresql.history",
    "taggedimages.postgresql.limits",
    "taggedimages.postgresql.prepared",
    "taggedimages.postgresql.routing",
    "taggedimages.postgresql.text",
}
# `from taggedimages.monitoring import series` names what holds the module besides.
HOLDING = {"taggedimages", "taggedimages.monitoring"}
EDGES = {"v1", "admin", "management", "templatetags"}
HTTP = ("rest_framework", "django.http", "drf_spectacular", "django_filters")
SPEAKS_HTTP = {"taggedimages.identity.authentication"}
DIALECTS = "taggedimages.dialects"
# The house's own edges: what serves all four APIs, and what only /v1 says.
HTTP_EDGES = ("taggedimages.http", "taggedimages.v1")


@cache
def modules() -> tuple[str, ...]:
    """Every module of ours that is neither a test nor a migration."""
    return tuple(
        ".".join(parts).removesuffix(".__init__")
        for folder in ("taggedimages", "images", "tags", "search")
        for file in (ROOT / folder).rglob("*.py")
        for parts in [file.relative_to(ROOT).with_suffix("").parts]
        if not {"tests", "migrations"} & set(parts)
    )


@cache
def parsed(module: str) -> ast.Module:
    file = ROOT / module.replace(".", "/")
    source = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    return ast.parse(source.read_text())


@cache
def imports(module: str) -> frozenset[str]:
    """Every module that a module names in an import, those inside functions too."""
    found = set()
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            # `from images import storage` names a module, `from images.models import Image` not.
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def run_time_imports(module: str) -> set[str]:
    """The modules that have to be there before a module is: those imported at its top level."""
    every, found = set(modules()), set()
    for node in parsed(module).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in every else str(node.module) for name in named}
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def names_an_edge(module: str) -> bool:
    """Whether a module of an app is an edge of it, such as `images.v1.views`."""
    return not EDGES.isdisjoint(module.split("."))


def part_of(module: str) -> str | None:
    """The part of the domain that a module belongs to; None for an edge or the house's own."""
    if names_an_edge(module):
        return None
    return next((part for part in DOMAIN if within(module, part)), None)


def is_edge(module: str) -> bool:
    named = names_an_edge(module) and not within(module, "django")
    ours = any(within(module, name) for name in (*DOMAIN, "taggedimages"))
    return ours and (named or any(within(module, edge) for edge in (DIALECTS, *HTTP_EDGES)))


@cache
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
        and name not in HOLDING
    }
    assert wrong == set()


@pytest.mark.parametrize("module", in_domain())
def test_the_domain_imports_no_edge_and_no_http(module):
    wrong = {name for name in imports(module) if is_edge(name)}
    if module not in SPEAKS_HTTP:
        wrong |= {name for name in imports(module) if any(within(name, http) for http in HTTP)}
    assert wrong == set()


@cache
def packages_of_the_domain() -> list[str]:
    """The parts of the domain and the packages within them, edges left out."""
    holding = {module.rpartition(".")[0] for module in in_domain()}
    return sorted({*DOMAIN, *(package for package in holding if part_of(package))})


@cache
def package_of(module: str) -> str | None:
    """The innermost package of the domain that a module is in."""
    homes = [package for package in packages_of_the_domain() if within(module, package)]
    return max(homes, key=len) if homes and part_of(module) else None


def test_no_two_packages_of_the_domain_import_each_other():
    """What is within a package is its own, and may be imported both ways."""
    arrows = set()
    for module in in_domain():
        home = package_of(module)
        for name in imports(module):
            there = package_of(name)
            if home and there and not within(home, there) and not within(there, home):
                arrows.add((home, there))
    assert {pair for pair in arrows if (pair[1], pair[0]) in arrows} == set()


def test_no_module_of_the_domain_imports_itself_through_others():
    every = set(in_domain())
    # A package is there for the sake of its module; types alone make no circle at run time.
    graph = {module: run_time_imports(module) & every - {module} for module in every}
    while leaves := {module for module, names in graph.items() if not names & graph.keys()}:
        graph = {module: names for module, names in graph.items() if module not in leaves}
    assert graph == {}


def dialect_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if within(module, DIALECTS) and len(parts) > 2 else None


def is_of_v1(module: str) -> bool:
    return module.split(".")[1:2] == ["v1"]


@pytest.mark.parametrize("module", sorted(m for m in modules() if dialect_of(m)))
def test_no_dialect_knows_another_or_v1(module):
    others = {dialect_of(name) for name in imports(module)} - {None, dialect_of(module)}
    assert others == set()
    assert [name for name in imports(module) if is_of_v1(name)] == []


def test_only_the_table_of_apis_knows_the_dialects():
    """Their routes are named as texts in urls.py."""
    knowing = {
        module
        for module in modules()
        if not within(module, DIALECTS) and any(within(name, DIALECTS) for name in imports(module))
    }
    assert knowing == {"taggedimages.apis"}


@pytest.mark.parametrize("module", [m for m in modules() if within(m, "taggedimages.http")])
def test_what_serves_all_apis_knows_none_of_them(module):
    wrong = [name for name in imports(module) if is_of_v1(name) or within(name, DIALECTS)]
    assert wrong == []


# What the edges name of search: what is asked, of whom else, in which order, and the one door.
DOOR = ("search.query", "search.ordering", "search.results", "search.v1")
# They keep the index, rather than ask it.
KEEPERS = {"taggedimages.management.commands.work", "search.management.commands.tagindex"}


@pytest.mark.parametrize("module", sorted(m for m in modules() if is_edge(m)))
def test_edges_know_nothing_of_search_but_its_door(module):
    beneath = {name for name in imports(module) if within(name, "search") and name != "search"}
    below = {name for name in beneath if not any(within(name, door) for door in DOOR)}
    assert below == set() or module in KEEPERS


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
    filled = [module for module in modules() if parsed(module).body]
    assert [module for module in filled if not ast.get_docstring(parsed(module))] == []


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
