"""Runs what a page shows, block after block in one folder, and looks at what came of it."""

import base64
import io
import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from PIL import Image

URL = os.environ["SERVICE_URL"]
COLOURS = {"red": ["knee", "left"], "blue": ["hand"], "green": ["knee"]}


def upload(colour: str, tags: list[str]) -> int:
    """The id of an image of one colour."""
    data = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(data, "PNG")
    body = {
        "filename": f"{colour}.png",
        "image_data": base64.b64encode(data.getvalue()).decode(),
        "tags": tags,
    }
    request = urllib.request.Request(
        f"{URL}/v1/upload", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["id"]


ids = {upload(colour, tags): tags for colour, tags in COLOURS.items()}
page = Path(sys.argv[1]).read_text().replace("https://images.example.org", URL)
namespace: dict = {}
results = {}
for title, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.M | re.S):
    for language, block in re.findall(r"^```(python|sh)\n(.*?)^```", section, re.M | re.S):
        print(f"{title}: {language}", flush=True)
        if language == "sh":
            subprocess.run(["bash", "-euc", block], check=True, timeout=120)
        else:
            exec(compile(block, title, "exec"), namespace)
        results |= {(title, name): value for name, value in namespace.items()}

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
