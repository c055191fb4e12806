// The line of the page that says what happened, and takes it back.

import { post } from "./post.js";

// Says a text; with the URL of an undo there is a button for it.
export function say(text, { undo: url = null, link = null } = {}) {
  const line = document.getElementById("says");
  const words = document.createElement("span");
  words.textContent = text;
  line.replaceChildren(words);
  line.classList.remove("failed");
  if (link) {
    const to = document.createElement("a");
    to.href = link;
    to.textContent = "Show";
    line.append(" ", to);
  }
  if (url) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Undo";
    button.addEventListener("click", () => undo(url));
    line.append(" ", button);
  }
}

// Says why something was not done.
export function fail(error) {
  say(error.message);
  document.getElementById("says").classList.add("failed");
}

// Takes a change back. Pages hear of it by the event "undone", with the server's answer.
export async function undo(url) {
  try {
    const answer = await post(url);
    document.dispatchEvent(new CustomEvent("undone", { detail: { ...answer, of: url } }));
    say(answer.says, { undo: answer.undo });
  } catch (error) {
    fail(error);
  }
}
