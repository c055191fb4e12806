// The list under a box in which one types: an ARIA 1.2 combobox with a list of options
// (w3.org/WAI/ARIA/apg/patterns/combobox). The focus stays in the box.

const PAUSE_MS = 120;
let numbers = 0;

// The tags that a text may mean, of the server at `url`: [{id, name, alias, color, images}].
export async function tagsLike(url, text, { limit = 10, signal } = {}) {
    const asked = new URL(url, location.href);
    asked.searchParams.set("q", text);
    asked.searchParams.set("limit", limit);
    const response = await fetch(asked, {
        signal,
        credentials: "same-origin",
        headers: { Accept: "application/json" },
    });
    return response.ok && !response.redirected ? (await response.json()).tags : [];
}

// What an option for a tag shows: its name, the alias that was met, how many images have it.
export function optionOf(tag) {
    const images = typeof tag.images === "number" ? tag.images.toLocaleString("en") : "";
    return { value: tag.name, words: tag.alias ? `${tag.alias} → ${tag.name}` : tag.name, images };
}

export class Suggestions {
    // `ask(text, signal)` resolves to options; `take(option)` is called with the one that is chosen.
    constructor(input, { ask, take }) {
        this.input = input;
        this.ask = ask;
        this.take = take;
        this.options = [];
        this.active = -1;
        this.list = document.createElement("ul");
        this.list.id = `suggestions-${++numbers}`;
        this.list.setAttribute("role", "listbox");
        this.list.setAttribute("aria-label", "Tags");
        this.list.hidden = true;
        this.list.addEventListener("mousedown", (event) => event.preventDefault());
        this.list.addEventListener("click", (event) => this.clicked(event));
        for (const [name, value] of Object.entries({
            role: "combobox",
            autocomplete: "off",
            "aria-autocomplete": "list",
            "aria-expanded": "false",
            "aria-controls": this.list.id,
        })) {
            input.setAttribute(name, value);
        }
        input.addEventListener("blur", () => this.close());
    }

    get isOpen() {
        return !this.list.hidden;
    }

    // Shows what may be meant by a text, once nothing is typed for a moment.
    look(text) {
        clearTimeout(this.timer);
        this.asking?.abort();
        this.timer = setTimeout(() => this.lookNow(text), PAUSE_MS);
    }

    async lookNow(text) {
        const asking = new AbortController();
        this.asking = asking;
        const options = await this.ask(text, asking.signal).catch(() => []);
        // Somebody who has gone on wants no list.
        if (!asking.signal.aborted && document.activeElement === this.input) {
            this.show(options);
        }
    }

    show(options) {
        this.options = options;
        this.list.replaceChildren(...options.map((option, place) => this.row(option, place)));
        this.list.hidden = options.length === 0;
        this.input.setAttribute("aria-expanded", String(this.isOpen));
        this.activate(-1);
    }

    close() {
        clearTimeout(this.timer);
        this.asking?.abort();
        this.show([]);
    }

    // Whether a key was one of the list's.
    pressed(event) {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step && !this.isOpen) {
            this.lookNow(this.input.value);
        } else if (step) {
            // Through all of them, and the box itself.
            const places = this.options.length + 1;
            this.activate(((this.active + 1 + step + places) % places) - 1);
        } else if (this.isOpen && event.key === "Escape") {
            this.close();
        } else if (this.active >= 0 && (event.key === "Enter" || event.key === "Tab")) {
            this.choose(this.active);
        } else {
            return false;
        }
        event.preventDefault();
        event.stopPropagation();
        return true;
    }

    row({ words, images }, place) {
        const row = document.createElement("li");
        row.id = `${this.list.id}-${place}`;
        row.setAttribute("role", "option");
        const name = document.createElement("span");
        name.textContent = words;
        const number = document.createElement("span");
        number.textContent = images ?? "";
        row.append(name, number);
        return row;
    }

    activate(place) {
        this.active = place;
        [...this.list.children].forEach((row, at) => {
            row.setAttribute("aria-selected", String(at === place));
        });
        const row = this.list.children[place];
        if (row) {
            this.input.setAttribute("aria-activedescendant", row.id);
            row.scrollIntoView({ block: "nearest" });
        } else {
            this.input.removeAttribute("aria-activedescendant");
        }
    }

    clicked(event) {
        const row = event.target.closest("[role=option]");
        if (row) {
            this.choose([...this.list.children].indexOf(row));
        }
    }

    choose(place) {
        const option = this.options[place];
        this.close();
        this.take(option);
    }
}
