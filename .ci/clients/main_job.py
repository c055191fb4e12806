"""The main job by the client of openapi-python-client, which sends all defaults along."""

import base64
import json
import os

import httpx
from tagged_image_manager_client import Client
from tagged_image_manager_client.api.images import (
    create_image,
    delete_image,
    get_image,
    get_image_file,
    list_image_lines,
    list_images,
    update_image,
)
from tagged_image_manager_client.api.search import search_images
from tagged_image_manager_client.api.tags import (
    create_tag,
    delete_tag,
    list_tag_images,
    list_tags,
)
from tagged_image_manager_client.api.upload import upload_image
from tagged_image_manager_client.models import (
    ImageBrowsePage,
    ImageCreatedResponse,
    ImageCreateInput,
    ImageRecord,
    ImageUpdateInput,
    Tag,
    TagBrowsePage,
    TagInput,
    UploadCreateInput,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8Dwn4EIAAAZ5gMBYpE8/gAAAABJRU5E"
    "rkJggg=="
)
client = Client(base_url=os.environ["SERVICE_URL"], raise_on_unexpected_status=True)

created = create_image.sync(client=client, body=ImageCreateInput("knee.png", tags=["py-knee"]))
assert isinstance(created, ImageCreatedResponse), created
assert httpx.put(str(created.upload_url), content=PNG).status_code == 200

record = get_image.sync(created.id, client=client)
assert isinstance(record, ImageRecord), record
assert record.uploaded_timestamp
assert httpx.get(str(record.url)).content == PNG

for page in (
    list_images.sync(client=client),
    list_images.sync(client=client, cursor="", labels=True),
    search_images.sync(client=client, exact_tags=["py-knee"], match_tags=["PY-%"]),
    list_tag_images.sync(record.tags[0].id, client=client),
):
    assert isinstance(page, ImageBrowsePage), page
    assert created.id in [found.id for found in page.results]
lines = list_image_lines.sync(client=client)
assert created.id in [json.loads(line)["id"] for line in lines.payload.read().splitlines()]
redirect = get_image_file.sync_detailed(created.id, client=client)
assert httpx.get(redirect.headers["Location"]).content == PNG

tag = create_tag.sync(client=client, body=TagInput("py-left"))
assert isinstance(tag, Tag), tag
update_image.sync(created.id, client=client, body=ImageUpdateInput(tags=["py-knee", "py-left"]))
tagged = get_image.sync(created.id, client=client)
assert isinstance(tagged, ImageRecord), tagged
assert [one.name for one in tagged.tags] == ["py-knee", "py-left"]
tags = list_tags.sync(client=client, cursor="")
assert isinstance(tags, TagBrowsePage), tags
assert {"py-knee", "py-left"} <= {one.name for one in tags.results}

data = base64.b64encode(PNG).decode()
uploaded = upload_image.sync(
    client=client, body=UploadCreateInput("hand.png", data, tags=["py-left"])
)
assert uploaded.uploaded_timestamp

assert delete_tag.sync_detailed(tag.id, client=client).status_code == 204
for image in (created.id, uploaded.id):
    assert delete_image.sync_detailed(image, client=client).status_code == 204
assert get_image.sync_detailed(created.id, client=client).status_code == 404
print("done")
