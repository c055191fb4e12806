"""Canonical lines and the digests over them (contract of releases, line and digest)."""

import hashlib
import json

from taggedimages.datasets import lines
from taggedimages.datasets.lines import Line

LINE: Line = {
    "width": 512,
    "height": 512,
    "id": 17,
    "uuid": "0b0e8c4e-6b57-4a42-8f1c-7d4e7c1b0a11",
    "name": 'knee "left" \u00e9\u001b.png',
    "bytes": 812_345,
    "format": "png",
    "sha256": "ab" * 32,
    "group": None,
    "split": "train",
    "tags": ["knee", "left"],
    "values": [["side", "left"]],
}


def test_a_line_is_json_of_rfc_8785():
    assert lines.canonical(LINE) == (
        b'{"bytes":812345,"format":"png","group":null,"height":512,"id":17,'
        b'"name":"knee \\"left\\" \xc3\xa9\\u001b.png","sha256":"' + b"ab" * 32 + b'",'
        b'"split":"train","tags":["knee","left"],'
        b'"uuid":"0b0e8c4e-6b57-4a42-8f1c-7d4e7c1b0a11","values":[["side","left"]],"width":512}'
    )
    assert json.loads(lines.canonical(LINE)) == LINE


def test_digests_are_those_of_the_contract():
    one = hashlib.sha256(b"\x00" + lines.canonical(LINE)).digest()
    assert lines.leaf(lines.canonical(LINE)) == one
    chunk = hashlib.sha256(b"\x01" + one + one).digest()
    assert lines.chunk_digest(one + one) == chunk
    whole = "sha256:" + hashlib.sha256(b"\x02" + chunk + chunk).hexdigest()
    assert lines.release_digest([chunk, chunk]) == whole
