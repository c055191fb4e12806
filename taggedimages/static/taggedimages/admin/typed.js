// Lists of names of tags in one text, as people type and paste them; the server reads them in the same
// way (tags.admin.typed).

const ITEM = /[^\S\t\n\r]*"((?:[^"]|"")*)"[^\S\t\n\r]*(?=[,;|\t\n\r]|$)|([^,;|\t\n\r]*)/y;
const SEPARATOR = /[,;|\t\n\r]/;

// Whether a text is more than one name.
export function hasSeveral(text) {
    return SEPARATOR.test(text);
}

// The names in a text, each once. Throws an Error that says what is wrong.
export function typedNames(text) {
    const names = new Set();
    let place = 0;
    while (place <= text.length) {
        ITEM.lastIndex = place;
        const [all, quoted, plain] = ITEM.exec(text);
        place += all.length + 1;
        if (plain?.trimStart().startsWith('"')) {
            throw new Error('A name that begins with " ends with one, and has each " within it twice.');
        }
        const name = (quoted?.replaceAll('""', '"') ?? plain).trim().normalize("NFC");
        if (name) {
            names.add(name);
        }
    }
    return [...names];
}

// A text that is read as these names.
export function written(names) {
    return names.map(quotedIfNeeded).join(", ");
}

function quotedIfNeeded(name) {
    return name.startsWith('"') || SEPARATOR.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
