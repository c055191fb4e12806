// The page of one image: its forms are posted without leaving it, and what they change is shown anew.

import { post } from "./post.js";
import { fail, say, tell } from "./says.js";

const CONTROLS = "a, button, input:not([type=hidden]), summary";

const page = document.getElementById("image");
if (page) {
    page.addEventListener("submit", submitted);
    // Keys and undos post by themselves.
    document.addEventListener("retagged", refresh);
}

async function submitted(event) {
    const form = event.target;
    if (!form.matches("[data-at-once]")) {
        return;
    }
    event.preventDefault();
    const url = event.submitter?.getAttribute("formaction") ?? form.action;
    const sent = new FormData(form, event.submitter);
    if (form.id === "tag-box") {
        if (!sent.get("add") && !sent.has("set")) {
            return;
        }
        // At once, so that Enter pressed twice adds nothing twice.
        form.reset();
    }
    try {
        const answer = await post(url, sent);
        tell(answer);
        say(answer.says, { undo: answer.undo });
    } catch (error) {
        fail(error);
        giveBack(form, sent.get("add"));
    }
}

// What was typed and could not be added is in the box again.
function giveBack(form, typed) {
    const box = form.querySelector("textarea");
    if (box && typed && !box.value) {
        box.value = typed;
        form.dispatchEvent(new Event("reset"));
    }
}

// Takes the parts that change from the page as it is now; the focus stays near where it was.
async function refresh() {
    const response = await fetch(location.href, { credentials: "same-origin" }).catch(fail);
    if (!response?.ok || response.redirected) {
        return;
    }
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of page.querySelectorAll("[data-fresh]")) {
        const now = fresh.getElementById(part.id);
        if (now) {
            replace(part, now);
        }
    }
}

function replace(part, now) {
    const place = [...part.querySelectorAll(CONTROLS)].indexOf(document.activeElement);
    const isOpen = [...part.querySelectorAll("details")].map((one) => one.open);
    part.replaceChildren(...now.childNodes);
    part.querySelectorAll("details").forEach((one, at) => (one.open = isOpen[at] ?? false));
    if (place >= 0) {
        const controls = part.querySelectorAll(CONTROLS);
        const near = controls[Math.min(place, controls.length - 1)];
        (near ?? page.querySelector("#tag-box input[type=text], #stage"))?.focus();
    }
}
