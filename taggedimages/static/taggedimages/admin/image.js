// The page of one image: its forms are posted without leaving it, and what they change is shown anew.

import { post } from "./post.js";
import { fail, say } from "./says.js";

const page = document.getElementById("image");
if (page) {
  page.addEventListener("submit", submitted);
  document.addEventListener("undone", refresh);
  document.addEventListener("retagged", refresh);
}

async function submitted(event) {
  const form = event.target;
  // Sets of tags are buttons of the tag box's form that lead elsewhere.
  if (!form.matches("[data-at-once]") || event.defaultPrevented) {
    return;
  }
  event.preventDefault();
  const url = event.submitter?.getAttribute("formaction") ?? form.action;
  try {
    const answer = await post(url, new FormData(form, event.submitter));
    form.dispatchEvent(new CustomEvent("posted", { bubbles: true, detail: answer }));
    say(answer.says, { undo: answer.undo });
    form.matches("#tag-box") && form.reset();
    await refresh();
  } catch (error) {
    fail(error);
  }
}

// Takes the parts that change from the page as it is now, and keeps the focus near where it was.
async function refresh() {
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok || response.redirected) {
    return;
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of page.querySelectorAll("[data-fresh]")) {
    const now = fresh.getElementById(part.id);
    if (!now) {
      continue;
    }
    const focus = placeOfFocus(part);
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    part.replaceChildren(...now.childNodes);
    part.querySelectorAll("details").forEach((one, at) => (one.open = open[at] ?? false));
    if (focus >= 0) {
      const there = part.querySelectorAll("button, a, input:not([type=hidden])");
      (there[Math.min(focus, there.length - 1)] ?? document.getElementById("stage"))?.focus();
    }
  }
}

// Where among the controls of a part the one with the focus is; -1 where it is elsewhere.
function placeOfFocus(part) {
  const controls = [...part.querySelectorAll("button, a, input:not([type=hidden])")];
  return controls.indexOf(document.activeElement);
}
