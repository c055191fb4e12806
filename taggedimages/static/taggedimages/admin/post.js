// Posts of the workplace: one after the other, as they were asked for, so that two quick presses of a
// key never race, and the answer to the first is on the page when the second is made.

const PATIENCE_MS = 30_000;
// As much as browsers send for pages that are gone.
const KEPT_ALIVE = 60_000;

let last = Promise.resolve();
const waiting = new Set();

// Posts fields (an object; a list gives its name once for each item) or FormData, and resolves to what
// the server answered. Whatever goes wrong is an Error whose message can be shown as it is.
//
// A function for the address is asked at its turn, when whoever posted before has heard the answer; if
// it has none, nothing is posted, and the answer is null.
export function post(url, fields = {}) {
    const one = { url, fields };
    waiting.add(one);
    const answer = last.then(() => {
        waiting.delete(one);
        const address = typeof url === "function" ? url() : url;
        return address ? send(address, fields) : null;
    });
    last = answer.catch(() => {}).then(() => new Promise((go) => setTimeout(go)));
    return answer;
}

// Resolves once all posts have been answered.
export async function settled() {
    let seen;
    do {
        seen = last;
        await seen;
    } while (seen !== last);
}

// Posts even as the page goes; nobody hears what came of it.
export function beacon(url, fields) {
    navigator.sendBeacon(url, body(fields));
}

// Whatever was asked for is done, though the page goes before its turn.
addEventListener("pagehide", () => {
    for (const { url, fields } of waiting) {
        if (typeof url === "string") {
            beacon(url, fields);
        }
    }
    waiting.clear();
});

async function send(url, fields) {
    const response = await answered(url, body(fields));
    const told = await response.json().catch(() => null);
    if (response.ok && told !== null && !response.redirected) {
        return told;
    }
    const error = new Error(told?.says ?? why(response));
    // Whoever knows a page that can do it says so.
    error.page = told?.page ?? null;
    error.status = response.status;
    throw error;
}

async function answered(url, sent) {
    try {
        return await fetch(url, {
            method: "POST",
            body: sent,
            credentials: "same-origin",
            keepalive: String(sent).length < KEPT_ALIVE,
            headers: { Accept: "application/json" },
            signal: AbortSignal.timeout(PATIENCE_MS),
        });
    } catch (error) {
        throw new Error(
            error.name === "TimeoutError"
                ? "The server takes too long. Reload the page to see what it did."
                : "The server cannot be reached. Nothing was changed on this page.",
        );
    }
}

function body(fields) {
    const sent = new URLSearchParams();
    const pairs = fields instanceof FormData ? fields : Object.entries(fields);
    for (const [name, given] of pairs) {
        for (const value of Array.isArray(given) ? given : [given]) {
            sent.append(name, value);
        }
    }
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    if (token) {
        sent.set("csrfmiddlewaretoken", token.value);
    }
    return sent;
}

function why(response) {
    if (response.redirected) {
        return "You are logged out. Open the admin in another tab, log in, and try again.";
    }
    if (response.status === 403) {
        return "That is refused: reload the page, and log in if it asks you to.";
    }
    if (response.status === 429) {
        return "Too many requests at once. Wait a little, and try again.";
    }
    return `The server could not do that (${response.status}).`;
}
