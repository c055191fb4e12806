// Suggests tags in the search box of images: for the name that is being typed in a condition, such as
// exact_tags=kn, and for a plain word the condition that it may be.

import { optionOf, Suggestions, tagsLike } from "./suggestions.js";

// The condition in which a name ends a text: its beginning, and the name as far as it is typed.
const NAMED = /^((?:.*&)?(?:exact_tags|any_tags|not_tags)=(?:(?:\\.|[^&\\])*\|)?)((?:\\.|[^&|\\])*)$/;
const CONDITIONS = /^\s*[a-z_]+=/;
// What would be read as something else within a value.
const MEANING = /[&+#%]/g;

// A name as a part of a list in a condition.
function asItem(name) {
    return name.replace(/[|\\]/g, "\\$&").replace(MEANING, encodeURIComponent);
}

// What a text may be completed to, up to the caret: the part to be looked up, and how it goes on.
export function completion(text) {
    const named = NAMED.exec(text);
    if (named) {
        return {
            looked: decoded(named[2]),
            completed: (name) => named[1] + asItem(name),
            shown: (words) => words,
        };
    }
    if (CONDITIONS.test(text) || !text.trim()) {
        return null;
    }
    return {
        looked: text.trim(),
        completed: (name) => `exact_tags=${asItem(name)}`,
        shown: (words) => `tag: ${words}`,
    };
}

function decoded(text) {
    const plain = text.replaceAll("+", " ").replace(/\\([|\\])/g, "$1");
    try {
        return decodeURIComponent(plain);
    } catch {
        return plain;
    }
}

const input = document.querySelector("input[data-search][data-suggest]");

async function ask(text, signal) {
    const at = completion(text.slice(0, input.selectionStart ?? text.length));
    if (!at) {
        return [];
    }
    const tags = await tagsLike(input.dataset.suggest, at.looked, { limit: 8, signal });
    return tags.map(optionOf).map((option) => ({
        ...option,
        words: at.shown(option.words),
        value: at.completed(option.value),
    }));
}

function take({ value }) {
    const rest = input.value.slice(input.selectionStart ?? input.value.length);
    input.value = value + rest;
    input.setSelectionRange(value.length, value.length);
}

if (input) {
    const suggestions = new Suggestions(input, { ask, take });
    const holder = document.createElement("div");
    holder.className = "suggesting";
    input.replaceWith(holder);
    holder.append(input, suggestions.list);
    input.addEventListener("input", () => suggestions.look(input.value));
    input.addEventListener("keydown", (event) => suggestions.pressed(event));
}
