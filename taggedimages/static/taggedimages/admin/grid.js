// The images of a page, in the grid or in the list: which one has the focus, and which are selected.
// What is selected is kept by the server, so that paging, searching and the back button lose nothing.

import { beacon, post } from "./post.js";
import { fail } from "./says.js";

class Images {
    constructor(form) {
        this.form = form;
        this.isGrid = form.dataset.view === "grid";
        this.boxes = [...form.querySelectorAll("input[name=_selected_action]")];
        this.counter = document.getElementById("selected-count");
        // Those that the server knows of, or is being told of, and how many there are on other pages.
        this.told = this.selection();
        this.elsewhere = Number(this.counter?.dataset.count ?? 0) - this.told.size;
        this.mark(this.boxes[0]);
        this.boxes.forEach((box) => box.addEventListener("click", (event) => this.clicked(event)));
        form.addEventListener("focusin", (event) => this.focused(event));
        document.addEventListener("retagged", (event) => this.show(event.detail.images));
        addEventListener("pageshow", () => this.learn());
        addEventListener("pagehide", () => this.leave());
        this.comeBack();
    }

    // The ids of those that are ticked here.
    selection() {
        return new Set(this.boxes.filter((box) => box.checked).map((box) => box.value));
    }

    // Whether the box of a picture has the focus.
    get isOnBox() {
        return this.boxes.includes(document.activeElement);
    }

    // Whether anything of a picture has it.
    get isInside() {
        return Boolean(this.boxOf(document.activeElement));
    }

    // --- The focus: box and name of one picture are in the order of Tab, which had it last ---------

    focused(event) {
        const box = this.boxOf(event.target);
        if (box) {
            this.mark(box);
            history.replaceState({ ...history.state, image: box.value }, "");
        }
    }

    mark(box) {
        this.current = box;
        for (const one of this.boxes) {
            for (const element of [one, this.captionOf(one)]) {
                element.tabIndex = one === box ? 0 : -1;
            }
        }
    }

    boxOf(element) {
        const cell = this.cellOf(element);
        return this.boxes.find((box) => cell?.contains(box));
    }

    focus(box = this.current) {
        const bar = document.getElementById("action-bar");
        this.form.style.setProperty("--bar", `${bar?.offsetHeight ?? 0}px`);
        box?.focus({ preventScroll: true });
        this.cellOf(box)?.scrollIntoView({ block: "nearest" });
    }

    // Gives the focus to where it was when the page was left.
    comeBack() {
        const box = this.boxes.find((one) => one.value === history.state?.image);
        if (box) {
            this.mark(box);
            this.focus();
        }
    }

    cellOf(element) {
        return element?.closest(".cell, tr");
    }

    captionOf(box) {
        return this.cellOf(box).querySelector("a.caption, th a, td a");
    }

    columns() {
        const tops = this.boxes.map((box) => this.cellOf(box).offsetTop);
        return this.isGrid ? tops.filter((top) => top === tops[0]).length : 1;
    }

    // Moves the focus; with `selecting`, all from the anchor on are selected.
    move(key, selecting) {
        const step = {
            ArrowUp: -this.columns(),
            ArrowDown: this.columns(),
            ArrowLeft: this.isGrid ? -1 : 0,
            ArrowRight: this.isGrid ? 1 : 0,
        }[key];
        if (!step) {
            return false;
        }
        if (!this.isInside) {
            this.focus();
            return true;
        }
        if (selecting && !this.isExtending) {
            this.anchor = this.anchoredAt(this.current);
        }
        this.isExtending = selecting;
        const box = this.boxes[this.boxes.indexOf(this.current) + step];
        if (box) {
            this.focus(box);
        }
        if (selecting) {
            this.extend(this.current);
        }
        return true;
    }

    // Moves the focus on by one; whether there is a next one.
    next() {
        const box = this.boxes[this.boxes.indexOf(this.current) + 1];
        if (box) {
            this.focus(box);
        }
        return Boolean(box);
    }

    // --- The selection ----------------------------------------------------------------------------

    clicked(event) {
        if (event.shiftKey && this.anchor) {
            this.extend(event.target);
        } else {
            this.toggled(event.target);
        }
    }

    toggle(box = this.current) {
        box.checked = !box.checked;
        this.toggled(box);
    }

    toggled(box) {
        this.anchor = this.anchoredAt(box);
        this.isExtending = false;
        this.changed();
    }

    // Selects from where it was selected last to the current one.
    range() {
        this.anchor ??= this.anchoredAt(this.current);
        this.extend(this.current);
    }

    // Selects all of the page; where they are, none of them.
    all() {
        const every = this.boxes.every((box) => box.checked);
        this.boxes.forEach((box) => (box.checked = !every));
        this.anchor = null;
        this.changed();
    }

    // Where a range begins, and what is selected besides, whatever the range becomes.
    anchoredAt(box) {
        return { box, besides: this.selection() };
    }

    extend(box) {
        const [from, to] = [this.anchor.box, box].map((one) => this.boxes.indexOf(one));
        this.boxes.forEach((one, at) => {
            const isWithin = Math.min(from, to) <= at && at <= Math.max(from, to);
            one.checked = isWithin || this.anchor.besides.has(one.value);
        });
        this.changed();
    }

    // --- What the server knows of it --------------------------------------------------------------

    changed() {
        this.changes = (this.changes ?? 0) + 1;
        this.counted();
        this.tell();
    }

    // What it has not been told.
    pending() {
        const now = this.selection();
        const add = [...now].filter((id) => !this.told.has(id));
        const remove = [...this.told].filter((id) => !now.has(id));
        return add.length + remove.length ? { add, remove } : null;
    }

    // Tells it, what came meanwhile with the next post.
    async tell() {
        if (this.telling) {
            return;
        }
        this.telling = true;
        for (let news = this.pending(); news; news = this.pending()) {
            const before = this.told;
            this.told = this.selection();
            try {
                const { count } = await post(this.form.dataset.selection, news);
                this.elsewhere = count - this.told.size;
            } catch (error) {
                this.told = before;
                this.boxes.forEach((box) => (box.checked = before.has(box.value)));
                fail(error);
            }
            this.counted();
        }
        this.telling = false;
    }

    leave() {
        const news = this.pending();
        if (news) {
            beacon(this.form.dataset.selection, news);
            this.told = this.selection();
        }
    }

    // Ticks what the server knows: browsers bring pages back as they were when they were left.
    async learn() {
        const url = new URL(this.form.dataset.selection, location.href);
        url.searchParams.set("id", this.boxes.map((box) => box.value).join());
        const changes = this.changes;
        const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
        const known = answer?.ok && !answer.redirected ? await answer.json() : null;
        if (!known || this.changes !== changes) {
            return;
        }
        this.told = new Set(known.ids.map(String));
        this.boxes.forEach((box) => (box.checked = this.told.has(box.value)));
        this.elsewhere = known.count - this.told.size;
        this.counted();
    }

    counted() {
        const count = this.elsewhere + this.selection().size;
        const words = `${count.toLocaleString("en")} selected`;
        // Said again, it would be read out again.
        if (this.counter && this.counter.textContent !== words) {
            this.counter.textContent = words;
        }
        const link = document.getElementById("show-selected");
        if (link) {
            link.hidden = count === 0;
        }
    }

    // --- What images have now ---------------------------------------------------------------------

    show(images) {
        for (const [id, tags] of Object.entries(images ?? {})) {
            const list = document.getElementById(`tags-${id}`);
            // "and more" stays: only the first tags are told.
            list?.replaceChildren(...tags.map(chip), ...list.querySelectorAll(".more"));
        }
    }
}

function chip({ id, name, value, color }) {
    const made = document.createElement("li");
    made.className = "chip";
    Object.assign(made.dataset, { tag: name, tagId: id, value });
    made.style.setProperty("--tag", color);
    made.append(name);
    if (value) {
        const given = document.createElement("span");
        given.className = "value";
        given.textContent = value;
        made.append(" ", given);
    }
    return made;
}

const form = document.querySelector("form#images[data-view]");

// The images of this page; null where there is no list of them.
export const images = form && new Images(form);
