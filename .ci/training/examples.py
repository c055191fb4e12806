"""Looks at what came of the examples of docs/training.md."""

import json
import sys
from pathlib import Path

import pages

COLOURS = {"red": ["knee", "left"], "blue": ["hand"], "green": ["knee"]}

ids = {pages.upload(colour, tags): tags for colour, tags in COLOURS.items()}
results = pages.run(sys.argv[1])

frame = results["pandas", "images"]
assert dict(zip(frame["id"], frame["labels"], strict=True)) == ids
assert results["pandas", "per_label"].to_dict() == {"knee": 2, "hand": 1, "left": 1}
counted = results["DuckDB", "per_label"]
assert [row[:2] for row in counted] == [("knee", 2), ("hand", 1), ("left", 1)], counted
dataset = results["Hugging Face datasets", "dataset"]
assert {row["id"]: row["labels"] for row in dataset} == ids
assert results["Hugging Face datasets", "first"].size == (64, 48)
saved = [json.loads(file.read_text()) for file in Path("downloaded").rglob("*.json")]
described = [row for row in saved if "filename" in row]
assert {row["id"] for row in described} == ids.keys(), saved
assert all(row["status"] == "success" for row in described), saved
print("done")
