"""A release as catalogues describe data sets: Croissant 1.1, JSON-LD (docs/releases.md).

Its members are the tables in CSV, in parts of as many as one answer has. They are the same at any
time but for their signed URLs, so that there is no checksum of the tables, and the description says
that the data set is live; the checksum of each file is in its row.
"""

from typing import Any

from taggedimages.datasets import statements
from taggedimages.datasets.lines import CHUNK_MEMBERS
from taggedimages.datasets.listing import MAX_MEMBERS
from taggedimages.datasets.models import Chunk, Release

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
# Columns of the table, what they are, and what is said of them.
FIELDS = (
    ("id", "sc:Integer", "Id of the image at the service"),
    ("uuid", "sc:Text", "The same, once in the world"),
    ("name", "sc:Text", "Name of the file"),
    ("file", "sc:Text", "Name under which it is saved beside all others"),
    ("bytes", "sc:Integer", "Size of the file"),
    ("format", "sc:Text", "What inspection found it to be, such as png or dicom"),
    ("width", "sc:Integer", "Pixels as stored"),
    ("height", "sc:Integer", "Pixels as stored"),
    ("sha256", "sc:Text", "SHA-256 of the file"),
    ("group", "sc:Text", "Hash of what it belongs together with, such as a patient"),
    ("split", "sc:Text", "Split that it is in"),
    ("tags", "sc:Text", "Names of its tags, delimited by pipes"),
    ("values", "sc:Text", "Pairs of a tag and its value, as JSON"),
    ("url", "sc:URL", "Reads the file for a while"),
)


def described(release: Release, url: str, address_of: Any) -> dict[str, Any]:
    """The description of a release that is read at `url`; `address_of` gives the absolute URL of
    its table after an id."""
    dataset = release.dataset
    tables = [_Table(number, after) for number, after in enumerate(_parts(release), 1)]
    created = release.released_at
    said = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": dataset.name,
        "description": dataset.description or f"Release {release.number} of {dataset.name}.",
        "version": f"{release.number}.0.0",
        "identifier": statements.quote(release),
        "url": url,
        "citeAs": statements.cite(release, url),
        "isLiveDataset": True,
        "distribution": [table.file(address_of(table.after)) for table in tables],
        "recordSet": [table.records() for table in tables],
    }
    said |= {"license": dataset.license} if dataset.license else {}
    return said | ({"datePublished": created.isoformat()} if created else {})


class _Table:
    """One part of the members, its number from 1 and the id after which it begins."""

    def __init__(self, number: int, after: int) -> None:
        self.name, self.after = f"members-{number}", after

    def file(self, url: str) -> dict[str, Any]:
        return {
            "@type": "cr:FileObject",
            "@id": f"{self.name}.csv",
            "name": f"{self.name}.csv",
            "description": "Members of the release, with signed URLs.",
            "contentUrl": url,
            "encodingFormat": "text/csv",
        }

    def records(self) -> dict[str, Any]:
        return {
            "@type": "cr:RecordSet",
            "@id": self.name,
            "name": self.name,
            "description": "One record for each member.",
            "key": {"@id": f"{self.name}/id"},
            "field": [self._field(*one) for one in FIELDS],
        }

    def _field(self, column: str, data_type: str, description: str) -> dict[str, Any]:
        return {
            "@type": "cr:Field",
            "@id": f"{self.name}/{column}",
            "name": column,
            "description": description,
            "dataType": data_type,
            "source": {
                "fileObject": {"@id": f"{self.name}.csv"},
                "extract": {"column": column},
            },
        }


def _parts(release: Release) -> list[int]:
    """After which ids parts of MAX_MEMBERS begin."""
    each = MAX_MEMBERS // CHUNK_MEMBERS
    chunks = Chunk.objects.filter(release=release).order_by("number")
    ends = list(chunks.values_list("last_image", flat=True))
    return [0, *ends[each - 1 : -1 : each]]
