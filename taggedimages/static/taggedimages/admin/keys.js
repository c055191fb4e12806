// The keys of the workplace: what each does on lists and grids of images and on the page of one.

import { images } from "./grid.js";
import { post, settled } from "./post.js";
import { fail, say, tell, undoLast } from "./says.js";
import { boxOf } from "./tagbox.js";
import { typedNames, written } from "./typed.js";
import "./searchbox.js";
import "./thumbhash.js";

// What the help shows; docs/curating.md has the same (a test compares them).
const HELP = [
    ["← ↑ → ↓", "go from picture to picture"],
    ["Space", "select the picture, or no more"],
    ["Shift + arrow", "select all from here on"],
    ["Shift + Space", "select all from the one that was selected last to here"],
    ["a", "select all of the page; again: none of it"],
    ["Enter", "open the picture"],
    ["1 to 9", "give the tags of that set to what is selected on the page, or else to the picture, and go on to the next"],
    ["t", "type tags; Enter in the empty box gives them"],
    [".", "give the last tags again"],
    ["u", "take back what was done last; again: what was done before it"],
    ["n", "next page, or next image"],
    ["p", "previous page, or previous image"],
    ["/", "search"],
    ["Escape", "close a list or the help; leave a box"],
    ["?", "show these keys"],
];
const LAST = "taggedimages.last";
const ENTER = "taggedimages.enter";
const TYPED_INTO = "textarea, select, [contenteditable=true], input";
const CLICKED = "input[type=checkbox], input[type=radio], input[type=button], input[type=submit]";
const MOST = 60;

// The page of one image, if it is one.
const one = document.querySelector("[data-image][data-retag]");

// --- Giving tags -----------------------------------------------------------------------------------

// What tags are given to now: what is selected here, or the image that has the focus.
function subject() {
    if (one) {
        return { ids: [one.dataset.image] };
    }
    const ids = [...(images?.selection() ?? [])];
    if (ids.length) {
        return { ids, elsewhere: images.elsewhere };
    }
    return images?.isInside ? { ids: [images.current.value], isFocused: true } : { ids: [] };
}

// Gives tags, or takes them off, and says what came of it.
async function give({ ids, elsewhere }, { add = [], remove = [] }, note = "") {
    const url = one?.dataset.retag ?? images.form.dataset.retag;
    try {
        const answer = await post(url, { ids, add: written(add), remove: written(remove) });
        tell(answer);
        const others = elsewhere ? ` ${elsewhere} selected on other pages: unchanged.` : "";
        say(answer.says + others + note, { undo: answer.undo });
    } catch (error) {
        fail(error);
    }
}

// Gives tags to what is to have them; the focus goes on from a picture that was not selected.
function giveHere(tags) {
    const to = subject();
    if (!to.ids.length) {
        images?.focus();
        say("The keys give tags to what is selected, or else to the picture with the frame.");
        return;
    }
    sessionStorage.setItem(LAST, JSON.stringify(tags));
    const isLast = to.isFocused && !images.next();
    give(to, tags, isLast ? " That was the last picture of the page." : "");
}

function giveSet(number) {
    const set = document.querySelector(`#tag-sets [data-number="${number}"]`);
    if (set) {
        giveHere({ add: typedNames(set.dataset.names) });
    } else {
        say(`There are no tags on the key ${number} yet.`);
    }
}

// A click does what the key does, without leaving the page.
document.getElementById("tag-sets")?.addEventListener("click", (event) => {
    const set = event.target.closest("[data-number]");
    if (set) {
        event.preventDefault();
        giveSet(set.dataset.number);
    }
});

function giveLast() {
    const last = sessionStorage.getItem(LAST);
    if (last) {
        giveHere(JSON.parse(last));
    } else {
        say("No tags have been given yet.");
    }
}

// --- The tag box of the bar ------------------------------------------------------------------------

const bar = document.querySelector("#action textarea[data-tagbox]");
const box = boxOf(bar ?? document.querySelector("#tag-box textarea[data-tagbox]"));

// Enter: at once where all that is selected is in sight; else the form goes to a plan.
bar?.addEventListener("entered", (event) => {
    const doing = bar.form.elements.action?.value;
    const isAll = bar.form.elements.select_across?.checked;
    const to = before ?? subject();
    const goes = to.ids.length > 0 && to.ids.length <= MOST && !to.elsewhere && !isAll;
    if (!goes || !["tag", "untag"].includes(doing) || !box.names.length) {
        return;
    }
    event.preventDefault();
    const tags = doing === "tag" ? { add: box.names } : { remove: box.names };
    sessionStorage.setItem(LAST, JSON.stringify(tags));
    give(to, tags);
    box.clear();
    images.focus();
});

// What the bar can do that asks for tags.
const WITH_TAGS = ["tag", "untag", "replace", "value"];
// The picture that had the focus when somebody went into the box.
let before = null;
box?.input.addEventListener("blur", () => (before = null));

function intoBox() {
    if (box) {
        const to = subject();
        const doing = box.area.form.elements.action;
        if (doing && !WITH_TAGS.includes(doing.value)) {
            doing.value = "tag";
            doing.dispatchEvent(new Event("change", { bubbles: true }));
        }
        box.input.focus();
        before = to.isFocused ? to : null;
    }
}

document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.closest(".tagbox, [role=search]")) {
        images?.focus();
        if (one) {
            event.target.blur();
        }
    }
});

// --- Going elsewhere -------------------------------------------------------------------------------

function beside(rel) {
    const here = document.querySelector(".paginator .this-page");
    const near = rel === "next" ? "nextElementSibling" : "previousElementSibling";
    const inList = here?.[near]?.matches("a") ? here[near] : null;
    return document.querySelector(`a[rel=${rel}]`) ?? inList;
}

async function go(rel) {
    const link = beside(rel);
    if (!link) {
        say(rel === "next" ? "There is nothing after this." : "There is nothing before this.");
        return;
    }
    await settled();
    if (images) {
        sessionStorage.setItem(ENTER, "1");
    }
    location.assign(link.href);
}

async function open() {
    const link = images.captionOf(images.current);
    await settled();
    location.assign(link.href);
}

// Whoever pages by keys goes on by keys.
if (images && sessionStorage.getItem(ENTER)) {
    sessionStorage.removeItem(ENTER);
    images.focus();
}

// --- The help --------------------------------------------------------------------------------------

function help() {
    const dialog = document.getElementById("keys") ?? made();
    dialog.showModal();
}

function made() {
    const dialog = document.createElement("dialog");
    dialog.id = "keys";
    dialog.setAttribute("aria-labelledby", "keys-title");
    dialog.innerHTML = `<h2 id="keys-title">Keys</h2>
        <table><thead><tr><th scope="col">Key</th><th scope="col">What it does</th></tr></thead>
        <tbody></tbody></table>
        <form method="dialog"><button class="button default">Close</button></form>`;
    for (const [key, does] of HELP) {
        const row = dialog.querySelector("tbody").insertRow();
        const head = document.createElement("th");
        head.scope = "row";
        head.append(Object.assign(document.createElement("kbd"), { textContent: key }));
        row.append(head);
        row.insertCell().textContent = does;
    }
    document.body.append(dialog);
    return dialog;
}

const button = document.getElementById("show-keys");
if (button) {
    button.hidden = false;
    button.addEventListener("click", help);
}

// --- What is pressed -------------------------------------------------------------------------------

// Of these, a key that is held down counts each time.
const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
const ANYWHERE = {
    ".": giveLast,
    u: undoLast,
    n: () => go("next"),
    p: () => go("prev"),
    "/": () => document.getElementById("searchbar")?.focus(),
    t: intoBox,
    a: () => images?.all(),
    "?": help,
};
const AMONG_PICTURES = {
    " ": (event) => (event.shiftKey ? images.range() : images.toggle()),
    Enter: open,
};

// Does what a key is for; whether it is for something here.
function pressed(event) {
    const { key } = event;
    if (MOVES.includes(key)) {
        return Boolean(images?.boxes.length) && isFree(event) && images.move(key, event.shiftKey);
    }
    const action = /^[1-9]$/.test(key)
        ? () => giveSet(key)
        : (ANYWHERE[key] ?? (images?.isOnBox ? AMONG_PICTURES[key] : null));
    if (!action) {
        return false;
    }
    if (!event.repeat) {
        action(event);
    }
    return true;
}

// Whether arrows are nobody else's: the focus is among the pictures, or nowhere.
function isFree(event) {
    return images.isInside || event.target === document.body;
}

function isTyping(target) {
    return target.matches(TYPED_INTO) && !target.matches(CLICKED);
}

document.addEventListener("keydown", (event) => {
    const isOurs =
        !event.defaultPrevented &&
        !event.isComposing &&
        !(event.ctrlKey || event.metaKey || event.altKey) &&
        !isTyping(event.target) &&
        !document.querySelector("dialog[open]");
    if (isOurs && pressed(event)) {
        event.preventDefault();
    }
});
