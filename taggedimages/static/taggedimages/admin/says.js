// The line of the page that says what happened, with a button that takes it back.

import { post } from "./post.js";

// The addresses of undos in this tab, the last thing done at the end: paging loses none.
const UNDOS = "taggedimages.undos";
const MOST_UNDOS = 200;

// Says a text. With the address of an undo there is a button for it, and the key u knows it.
export function say(text, { undo: url = null, redo = null, link = null } = {}) {
    const line = show(text);
    if (url) {
        keep([...undos(), url]);
        line.append(" ", button("Undo", () => undo(url)));
    }
    if (redo) {
        line.append(" ", button("Redo", () => again(redo)));
    }
    if (link) {
        const to = document.createElement("a");
        to.href = link;
        to.textContent = "Show the plan";
        line.append(" ", to);
    }
}

// Says why something was not done.
export function fail(error) {
    say(error.message, { link: error.page });
    document.getElementById("says").classList.add("failed");
}

// Takes a change back. Pages hear of it by the event "retagged", with the server's answer.
export function undo(url) {
    return takeBack(() => url);
}

// Takes the last thing back that was done in this tab and can be, what is still under way included.
export function undoLast() {
    return takeBack(() => undos().at(-1));
}

async function takeBack(find) {
    let url = null;
    try {
        const answer = await post(() => {
            url = find();
            keep(undos().filter((one) => one !== url));
            return url;
        });
        if (answer) {
            tell(answer);
            say(answer.says, { redo: answer.undo });
        } else {
            say("There is nothing to take back.");
        }
    } catch (error) {
        if (!error.status) {
            // Nobody answered: it is still to be taken back.
            keep([...undos(), url]);
        }
        fail(error);
    }
}

// Tells the page what images have now, so that what shows them can follow.
export function tell(answer) {
    document.dispatchEvent(new CustomEvent("retagged", { detail: answer }));
}

async function again(url) {
    try {
        const answer = await post(url);
        tell(answer);
        say(answer.says, { undo: answer.undo });
    } catch (error) {
        fail(error);
    }
}

function show(text) {
    const line = document.getElementById("says");
    const words = document.createElement("span");
    words.textContent = text;
    line.replaceChildren(words);
    line.classList.remove("failed");
    return line;
}

function button(text, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button second";
    made.textContent = text;
    made.addEventListener("click", action);
    return made;
}

function undos() {
    return JSON.parse(sessionStorage.getItem(UNDOS) ?? "[]");
}

function keep(urls) {
    sessionStorage.setItem(UNDOS, JSON.stringify(urls.slice(-MOST_UNDOS)));
}
