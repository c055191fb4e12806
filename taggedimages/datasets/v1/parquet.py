"""Members as Parquet, where pyarrow is installed: an extra, `requirements/parquet.txt`."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from taggedimages.datasets.file_names import saved_as
from taggedimages.datasets.listing import Listed
from taggedimages.datasets.refusals import NotInstalled

# What readers take as one, and what is in memory at a time.
ROWS_PER_GROUP = 10_000


def check() -> None:
    """Raise NotInstalled where there is no pyarrow."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise NotInstalled("Parquet needs pyarrow, which is not installed here.") from error


def write(batches: Iterable[list[Listed]]) -> Iterator[bytes]:
    """A file of Parquet, a piece for each group of rows and one for what ends it. Needs pyarrow."""
    # Tens of megabytes, for those alone who ask for it.
    import pyarrow
    import pyarrow.parquet

    pieces = Pieces()
    schema = _schema(pyarrow)
    with pyarrow.parquet.ParquetWriter(pieces, schema, compression="zstd") as writer:
        for rows in _groups(batches):
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
            yield pieces.taken()
    yield pieces.taken()


class Pieces(io.RawIOBase):
    """A file that is only ever written on, and whose bytes are taken away meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self.written.append(piece)
        self.position += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since."""
        piece = b"".join(self.written)
        self.written.clear()
        return piece


def _groups(batches: Iterable[list[Listed]]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for batch in batches:
        rows += [_row(one) for one in batch if not one.is_withheld]
        if len(rows) >= ROWS_PER_GROUP:
            yield rows
            rows = []
    if rows:
        yield rows


def _row(one: Listed) -> dict[str, Any]:
    said = one.said
    values = [{"tag": tag, "value": value} for tag, value in said["values"]]
    file = saved_as(one.image, said["name"])
    return said | {"values": values, "file": file, "url": one.url, "expires": one.expires}


def _schema(pyarrow: Any) -> Any:
    text, number = pyarrow.string(), pyarrow.int64()
    value = pyarrow.struct([("tag", text), ("value", text)])
    return pyarrow.schema(
        [
            ("id", number),
            ("uuid", text),
            ("name", text),
            ("file", text),
            ("bytes", number),
            ("format", text),
            ("width", number),
            ("height", number),
            ("sha256", text),
            ("group", text),
            ("split", text),
            ("tags", pyarrow.list_(text)),
            ("values", pyarrow.list_(value)),
            ("url", text),
            ("expires", number),
        ]
    )
