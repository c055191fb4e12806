// The main job by the client of @hey-api/openapi-ts, at the server that the document names.
import {
  createImage,
  createTag,
  deleteImage,
  deleteTag,
  getImage,
  listImageLines,
  listImages,
  listTagImages,
  listTags,
  searchImages,
  updateImage,
  uploadImage,
} from "./client";

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8Dwn4EIAAAZ5gMBYpE8/gAAAABJRU5ErkJggg==";
const bytes = Uint8Array.from(atob(PNG), (character) => character.charCodeAt(0));

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

async function main(): Promise<void> {
  const always = { throwOnError: true } as const;
  const created = await createImage({ ...always, body: { filename: "knee.png", tags: ["ts-knee"] } });
  check("upload_url" in created.data && created.data.upload_url !== null, "a URL to send to");
  const id = created.data.id;
  const put = await fetch(created.data.upload_url, { method: "PUT", body: bytes });
  check(put.status === 200, "the file is taken");

  const record = (await getImage({ ...always, path: { id } })).data;
  check(record.uploaded_timestamp !== null && record.url !== null, "the file is there");
  const file = new Uint8Array(await (await fetch(record.url)).arrayBuffer());
  check(file.length === bytes.length, "the file is read");

  // What a client that sends all defaults would send.
  const first = { limit: 100, page: 0, labels: false, untagged: false, filename: "", any_tags: [] };
  const pages = [
    await listImages({ ...always, query: first }),
    await listImages({ ...always, query: { ...first, cursor: "" } }),
    await searchImages({ ...always, query: { exact_tags: ["ts-knee"], match_tags: ["TS-%"] } }),
    await listTagImages({ ...always, path: { id: record.tags[0]!.id } }),
  ];
  for (const page of pages) {
    check(page.data.results.some((found) => found.id === id), "a list has the image");
  }
  const lines = await (await listImageLines({ ...always, parseAs: "blob" })).data.text();
  check(lines.split("\n").some((line) => line.startsWith(`{"id":${id},`)), "a line has it");

  const tag = (await createTag({ ...always, body: { name: "ts-left" } })).data;
  const body = { tags: ["ts-knee", "ts-left"] };
  const tagged = (await updateImage({ ...always, path: { id }, body })).data;
  check(tagged.tags.map((one) => one.name).join() === "ts-knee,ts-left", "it is tagged");
  const tags = (await listTags({ ...always, query: { limit: 100, page: 0, cursor: "" } })).data;
  check(tags.results.some((one) => one.id === tag.id), "the tag is listed");

  const small = { filename: "hand.png", image_data: PNG, tags: ["ts-left"] };
  const uploaded = (await uploadImage({ ...always, body: small })).data;
  check(uploaded.uploaded_timestamp !== null, "it came in one request");

  check((await deleteTag({ path: { id: tag.id } })).response?.status === 204, "the tag is deleted");
  for (const image of [id, uploaded.id]) {
    check((await deleteImage({ path: { id: image } })).response?.status === 204, "so is the image");
  }
  check((await getImage({ path: { id } })).response?.status === 404, "it is gone");
  console.log("done");
}

void main();
