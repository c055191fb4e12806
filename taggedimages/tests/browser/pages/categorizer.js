// What a web app does with the service: everything here runs on an origin that is not the service's.

const COLOR = [51, 102, 153];

/** The status, the JSON and some headers of an answer, as far as a page may see them. */
async function call(method, url, headers = {}, body = undefined) {
  const json = body !== undefined && !(body instanceof URLSearchParams);
  const answer = await fetch(url, {
    method,
    headers: json ? { "Content-Type": "application/json", ...headers } : headers,
    body: json ? JSON.stringify(body) : body,
  });
  const text = await answer.text();
  const isJson = (answer.headers.get("Content-Type") ?? "").startsWith("application/json");
  return {
    status: answer.status,
    body: isJson && text ? JSON.parse(text) : text,
    header: (name) => answer.headers.get(name),
  };
}

/** A PNG of one colour. */
function drawn() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
  const context = canvas.getContext("2d");
  context.fillStyle = `rgb(${COLOR})`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Asks until the answer is as it should be; a worker has to look at the file first. */
async function until(ask, isSo) {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("It never came to be.");
}

/** The picture at an address, read pixel by pixel: a page may do so with its own and shared ones. */
async function shown(url, caption) {
  const image = Object.assign(new Image(), { crossOrigin: "anonymous", src: url });
  await image.decode();
  const figure = document.createElement("figure");
  figure.append(image, Object.assign(document.createElement("figcaption"), { textContent: caption }));
  document.querySelector("main").append(figure);
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/** Creates a record, sends its file, waits for it, tags it anew, finds it and reads it back. */
export async function mainJob(service, token) {
  const login = { Authorization: `Bearer ${token}` };
  const record = { filename: "knee.png", tags: ["knee"] };
  const created = await call("POST", `${service}/v1/images`, login, record);
  const file = await drawn();
  const sent = await fetch(created.body.upload_url, { method: "PUT", body: file });
  const own = `${service}/v1/images/${created.body.id}`;
  await until(() => call("GET", own, login), (answer) => answer.body.uploaded_timestamp);
  const tagged = await call("PUT", own, login, { tags: ["knee", "reviewed"] });
  const found = await call(
    "GET", `${service}/v1/search/images?exact_tags=${encodeURIComponent("knee|reviewed")}`, login,
  );
  const read = await call("GET", own, login);
  const same = await call("GET", own, { ...login, "If-None-Match": read.header("ETag") });
  const stale = await call("PUT", own, { ...login, "If-Match": '"other"' }, { tags: ["left"] });
  const [first] = found.body.results;
  const bytes = await (await fetch(first.url)).blob();
  return {
    statuses: [created.status, sent.status, tagged.status, found.status, same.status, stale.status],
    total: found.body.meta.total_results,
    tags: first.tags.map((tag) => tag.name),
    etagOfUpload: sent.headers.get("ETag"),
    etag: read.header("ETag"),
    sizes: [file.size, bytes.size],
    color: await shown(first.url, first.tags.map((tag) => tag.name).join(", ")),
  };
}

/** A picture by SharinPix: announced, sent as a form, claimed; and the token that comes back. */
export async function sharinPix(service, jwt) {
  const login = { Authorization: `Token token="${jwt}"` };
  const file = await drawn();
  const about = { album_id: "mine", name: "knee.png", type: "image/png", size: file.size };
  const announced = await call(
    "POST", `${service}/api/v1/storages/main/storage_files`, login, new URLSearchParams(about),
  );
  const { url, fields } = announced.body.upload_parameters;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  const sent = await fetch(url, { method: "POST", body: form });
  const infos = new URLSearchParams({ infos: await sent.text() });
  const own = `${service}/api/v1/storage_files/${announced.body.id}`;
  const claimed = await call("PUT", own, login, infos);
  const image = await until(
    () => call("GET", `${service}/api/v1/images/${claimed.body.image.id}`, login),
    (answer) => answer.body.processed,
  );
  return {
    statuses: [announced.status, sent.status, claimed.status, image.status],
    token: claimed.header("X-token"),
    requestId: claimed.header("X-Request-Id"),
    atFirst: claimed.body.image.processed,
    found: [image.body.width, image.body.height, image.body.color, image.body.infos.etag.length],
  };
}

/** A login by Keystone; the token is in a header alone. */
export async function keystone(service, name, password) {
  const user = { name, password, domain: { name: "Default" } };
  const identity = { methods: ["password"], password: { user } };
  const answer = await call("POST", `${service}/v3/auth/tokens`, {}, { auth: { identity } });
  const token = answer.header("X-Subject-Token");
  const images = await call("GET", `${service}/v2/images`, { "X-Auth-Token": token ?? "" });
  return { statuses: [answer.status, images.status], token };
}

/** What a page is told when something is wrong. */
export async function refused(service, path, method = "GET", token = undefined) {
  const login = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const answer = await call(method, service + path, login, method === "GET" ? undefined : {});
  return { status: answer.status, body: answer.body, retryAfter: answer.header("Retry-After") };
}
