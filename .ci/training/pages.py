"""Runs what a page of the docs shows, block after block in one folder."""

import base64
import io
import json
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path

from PIL import Image

URL = os.environ["SERVICE_URL"]


def upload(colour: str, tags: list[str]) -> int:
    """The id of an image of one colour."""
    data = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(data, "PNG")
    body = {
        "filename": f"{colour}.png",
        "image_data": base64.b64encode(data.getvalue()).decode(),
        "tags": tags,
    }
    return ask("upload", body)["id"]


def ask(path: str, body: dict | None = None) -> dict:
    """What the service answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/v1/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wait_for(image: int) -> None:
    """Until the file of an image was inspected."""
    for _ in range(300):
        if ask(f"images/{image}/facts")["state"] == "ready":
            return
        time.sleep(0.2)
    raise TimeoutError(f"image {image} is not inspected")


def run(page: str) -> dict[tuple[str, str], object]:
    """What the names of a page stand for after each of its sections, by that and their own."""
    text = Path(page).read_text().replace("https://images.example.org", URL)
    namespace: dict = {}
    results: dict[tuple[str, str], object] = {}
    for title, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
        for language, block in re.findall(r"^```(python|sh)\n(.*?)^```", section, re.M | re.S):
            print(f"{title}: {language}", flush=True)
            if language == "sh":
                subprocess.run(["bash", "-euo", "pipefail", "-c", block], check=True, timeout=120)
            else:
                exec(compile(block, title, "exec"), namespace)
            results |= {(title, name): value for name, value in namespace.items()}
    return results
