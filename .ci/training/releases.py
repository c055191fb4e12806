"""Looks at what came of the examples of docs/members.md: each reader has just what was released."""

import json
import sys
from pathlib import Path

import pages
import pandas

TAGS = {"red": ["knee", "left"], "green": ["knee"], "yellow": ["knee", "pipe|d"], "blue": ["hand"]}

ids = {pages.upload(colour, tags): sorted(tags) for colour, tags in TAGS.items()}
for image in ids:
    pages.wait_for(image)
knees = {image: tags for image, tags in ids.items() if "knee" in tags}
results = pages.run(sys.argv[1])

lines = [json.loads(line) for line in Path("knees.jsonl").read_text().splitlines()]
sums = {line["id"]: line["sha256"] for line in lines}
released = {line["id"]: line["tags"] for line in lines}
assert released.items() >= knees.items()
assert all("knee" in tags for tags in released.values())
kept = [json.loads(line) for line in Path("knees/members.ndjson").read_text().splitlines()]
assert kept == [{k: v for k, v in one.items() if k not in ("url", "expires")} for one in lines]
assert len(list(Path("by-aria2").iterdir())) == len(released)

table = results["pandas", "table"]
assert dict(zip(table["id"], table["sha256"], strict=True)) == sums
assert results["pandas", "one_hot"]["knee"].sum() == len(released)
read = results["pandas", "lines"]
assert dict(zip(read["id"], read["tags"], strict=True)) == released
dataset = results["Hugging Face datasets", "dataset"]
assert dict(zip(dataset["id"], dataset["sha256"], strict=True)) == sums
assert results["Hugging Face datasets", "first"].size == (64, 48)
saved = [json.loads(file.read_text()) for file in Path("by-img2dataset").rglob("*.json")]
described = [row for row in saved if "sha256" in row]
assert {int(row["id"]) for row in described} == released.keys(), saved
assert all(row["status"] == "success" for row in described), saved
assert {row["sha256"] for row in described} == set(sums.values())
records = results["Croissant", "records"]
assert {row["members-1/id"]: row["members-1/sha256"].decode() for row in records} == sums
assert not results["Croissant", "described"].metadata.ctx.issues.errors

frame = pandas.read_parquet(f"{pages.URL}/v1/datasets/knees/releases/1/members?format=parquet")
assert dict(zip(frame["id"], frame["sha256"], strict=True)) == sums
assert {row["id"]: list(row["tags"]) for _, row in frame.iterrows()} == released
print("done")
