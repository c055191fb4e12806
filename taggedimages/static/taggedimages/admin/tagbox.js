// Makes of each <textarea data-tagbox data-suggest="URL"> a box of chips, with suggestions. The
// textarea stays, hidden, and has what the box has: forms send it, and without scripts it is the box.

import { optionOf, Suggestions, tagsLike } from "./suggestions.js";
import { hasSeveral, typedNames, written } from "./typed.js";

const boxes = new WeakMap();

// The box that was made of a textarea.
export function boxOf(area) {
    return boxes.get(area);
}

export class TagBox {
    constructor(area) {
        this.area = area;
        this.names = [];
        this.input = Object.assign(document.createElement("input"), {
            type: "text",
            id: `${area.id || area.name}-box`,
            placeholder: area.placeholder,
        });
        this.input.spellcheck = false;
        this.chips = document.createElement("ul");
        this.chips.className = "chips";
        this.heard = document.createElement("span");
        this.heard.className = "visually-hidden";
        this.heard.setAttribute("role", "status");
        this.suggestions = new Suggestions(this.input, {
            ask: (text, signal) => this.ask(text, signal),
            take: (option) => this.take([option.value]),
        });
        this.box = document.createElement("div");
        this.box.className = "tagbox";
        this.box.append(this.chips, this.input, this.suggestions.list, this.heard);
        area.after(this.box);
        area.hidden = true;
        this.name();
        this.listen();
        this.read();
    }

    // Whatever named the textarea names the box.
    name() {
        const labels = [...this.area.labels];
        labels.forEach((label) => (label.htmlFor = this.input.id));
        for (const name of ["aria-label", "aria-labelledby", "aria-describedby"]) {
            if (this.area.hasAttribute(name)) {
                this.input.setAttribute(name, this.area.getAttribute(name));
            }
        }
        const words = this.area.getAttribute("aria-label") ?? labels[0]?.textContent.trim();
        this.chips.setAttribute("aria-label", `${words || "Tags"}: chosen`);
    }

    listen() {
        this.input.addEventListener("input", () => this.typed());
        this.input.addEventListener("keydown", (event) => this.pressed(event));
        this.input.addEventListener("paste", (event) => this.pasted(event));
        this.box.addEventListener("click", (event) => {
            if (event.target === this.box || event.target === this.chips) {
                this.input.focus();
            }
        });
        // Browsers put back what forms had.
        addEventListener("pageshow", () => this.read());
        this.area.form?.addEventListener("reset", () => setTimeout(() => this.read()));
    }

    async ask(text, signal) {
        const url = this.area.dataset.suggest;
        const tags = url ? await tagsLike(url, text, { signal }) : [];
        return tags.filter((tag) => !this.names.includes(tag.name)).map(optionOf);
    }

    // Makes the box what the textarea has.
    read() {
        if (this.area.value === this.text) {
            return;
        }
        try {
            this.names = typedNames(this.area.value);
            this.input.value = "";
        } catch {
            this.names = [];
            this.input.value = this.area.value;
        }
        this.draw();
    }

    typed() {
        if (hasSeveral(this.input.value) && !this.input.value.trimStart().startsWith('"')) {
            this.enter();
        }
        this.write();
        if (this.input.value.trim()) {
            this.suggestions.look(this.input.value);
        } else {
            this.suggestions.close();
        }
    }

    pressed(event) {
        if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) {
            return;
        }
        if (this.suggestions.pressed(event)) {
            return;
        }
        if (event.key === "Enter") {
            event.preventDefault();
            if (this.input.value.trim()) {
                this.enter();
            } else {
                this.done();
            }
        } else if (event.key === "Backspace" && !this.input.value && this.names.length) {
            event.preventDefault();
            this.remove(this.names.at(-1));
        }
    }

    pasted(event) {
        const text = event.clipboardData.getData("text");
        if (!hasSeveral(text.trim())) {
            return;
        }
        try {
            const names = typedNames(text);
            event.preventDefault();
            this.take(names);
        } catch (error) {
            event.preventDefault();
            this.hear(error.message);
        }
    }

    // Takes what is typed as names, and says where that does not go.
    enter() {
        try {
            const names = typedNames(this.input.value);
            this.take(names);
            names.slice(0, 3).forEach((name) => this.mark(name));
        } catch (error) {
            this.hear(error.message);
        }
    }

    // What Enter in a box without a text is for: that of the page, or else the form is sent.
    done() {
        const event = new CustomEvent("entered", { bubbles: true, cancelable: true });
        if (this.area.dispatchEvent(event)) {
            this.area.form?.requestSubmit();
        }
    }

    take(names) {
        const before = this.names.length;
        this.names = [...new Set([...this.names, ...names])];
        this.input.value = "";
        // What is still asked for was for the text that is gone.
        this.suggestions.close();
        this.draw();
        if (this.names.length - before > 1) {
            this.hear(`${this.names.length - before} tags taken.`);
        }
    }

    remove(name) {
        this.names = this.names.filter((one) => one !== name);
        this.draw();
        this.hear(`${name} removed.`);
        this.input.focus();
    }

    clear() {
        this.names = [];
        this.input.value = "";
        this.suggestions.close();
        this.draw();
    }

    // Says of a name that nobody has used yet that it is one: it may be a slip.
    async mark(name) {
        const url = this.area.dataset.suggest;
        if (!url) {
            return;
        }
        const [tag] = await tagsLike(url, name, { limit: 1 }).catch(() => [{ name }]);
        const known = [tag?.name, tag?.alias].map((one) => one?.toLowerCase());
        const chip = [...this.chips.children].find((one) => one.dataset.tag === name);
        if (chip && !known.includes(name.toLowerCase())) {
            chip.classList.add("new");
            chip.querySelector(".name").after(" (new)");
            this.hear(`${name} is a new tag.`);
        }
    }

    draw() {
        const drawn = new Map([...this.chips.children].map((chip) => [chip.dataset.tag, chip]));
        this.chips.replaceChildren(...this.names.map((name) => drawn.get(name) ?? this.chip(name)));
        this.chips.hidden = this.names.length === 0;
        this.write();
    }

    chip(name) {
        const chip = document.createElement("li");
        chip.className = "chip";
        chip.dataset.tag = name;
        const words = document.createElement("span");
        words.className = "name";
        words.textContent = name;
        const x = document.createElement("button");
        x.type = "button";
        x.className = "x";
        x.textContent = "×";
        x.setAttribute("aria-label", `Remove ${name}`);
        x.addEventListener("click", () => this.remove(name));
        chip.append(words, x);
        return chip;
    }

    // The textarea has all that is in the box, were it half typed.
    write() {
        const half = this.input.value.trim();
        this.text = [written(this.names), half].filter(Boolean).join(", ");
        this.area.value = this.text;
    }

    hear(text) {
        this.heard.textContent = text;
    }
}

for (const area of document.querySelectorAll("textarea[data-tagbox]")) {
    boxes.set(area, new TagBox(area));
}
