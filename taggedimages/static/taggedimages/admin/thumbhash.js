// Paints what a ThumbHash tells of a picture behind it until it has loaded, after the description of the
// format (evanw.github.io/thumbhash): a mean and the lowest waves of brightness L, of two differences of
// colour, P and Q, and of opacity A where there is any.
//
// Five bytes of header, little-endian: 6 bits of each mean, 5 of the scale of L, one for opacity; then 3
// bits of the number of waves along the shorter side, 6 of each scale of P and Q, one for landscape.
// With opacity a byte of its mean and scale; then half a byte for each wave.

const SIDE = 32;
// The differences of colour are painted a little stronger, which is less grey than what was rounded.
const VIVID = 1.25;

// The waves that a channel of so many across and down has, the mean left out.
function waves(across, down) {
    const found = [];
    for (let y = 0; y < down; y++) {
        for (let x = y ? 0 : 1; x * down < across * (down - y); x++) {
            found.push([x, y]);
        }
    }
    return found;
}

// The channels of a hash, and the shape of its picture. Throws an Error for what is none.
export function read(base64) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const first = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
    const second = bytes[3] | (bytes[4] << 8);
    const hasAlpha = Boolean(first >> 23);
    const isLandscape = Boolean(second >> 15);
    const [longer, shorter] = [hasAlpha ? 5 : 7, second & 7];
    const [across, down] = isLandscape ? [longer, shorter] : [shorter, longer];
    let nibble = hasAlpha ? 12 : 10;
    const channel = (mean, scale, width, height) => ({
        mean,
        terms: waves(width, height).map(([x, y]) => {
            const value = (bytes[nibble >> 1] >> (4 * (nibble & 1))) & 15;
            nibble++;
            return { x, y, size: 2 * scale * (value / 7.5 - 1) };
        }),
    });
    const sides = [Math.max(3, across), Math.max(3, down)];
    const l = channel((first & 63) / 63, ((first >> 18) & 31) / 31, ...sides);
    const p = channel(((first >> 6) & 63) / 31.5 - 1, (VIVID * ((second >> 3) & 63)) / 63, 3, 3);
    const q = channel(((first >> 12) & 63) / 31.5 - 1, (VIVID * ((second >> 9) & 63)) / 63, 3, 3);
    const a = hasAlpha
        ? channel((bytes[5] & 15) / 15, (bytes[5] >> 4) / 15, 5, 5)
        : { mean: 1, terms: [] };
    if (nibble > bytes.length * 2 || !across) {
        throw new Error("This is no ThumbHash.");
    }
    return { channels: [l, p, q, a], ratio: across / down };
}

// The pixels of a hash: width, height and RGBA.
export function pixels(base64) {
    const { channels, ratio } = read(base64);
    const width = Math.max(1, Math.round(ratio > 1 ? SIDE : SIDE * ratio));
    const height = Math.max(1, Math.round(ratio > 1 ? SIDE / ratio : SIDE));
    const [columns, rows] = [cosines(width), cosines(height)];
    const data = new Uint8ClampedArray(4 * width * height);
    for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
            const [l, p, q, a] = channels.map(({ mean, terms }) =>
                terms.reduce(
                    (sum, term) => sum + term.size * columns[term.x][x] * rows[term.y][y],
                    mean,
                ),
            );
            const blue = l - (2 / 3) * p;
            const red = (3 * l - blue + q) / 2;
            data.set([red, red - q, blue, a].map((part) => 255 * part), 4 * (y * width + x));
        }
    }
    return { width, height, data };
}

function cosines(side) {
    return Array.from({ length: 7 }, (_, wave) =>
        Array.from({ length: side }, (_, at) => Math.cos((Math.PI / side) * (at + 0.5) * wave)),
    );
}

function dataUrl(base64) {
    const { width, height, data } = pixels(base64);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
    return canvas.toDataURL();
}

// Paints behind the picture of an element with data-thumbhash until it is there. What cannot be read
// leaves the mean colour, which the page has.
export function paint(element) {
    const image = element.matches("img") ? element : element.querySelector("img");
    if (!image || image.complete || !element.dataset.thumbhash) {
        return;
    }
    try {
        const url = dataUrl(element.dataset.thumbhash);
        image.style.background = `center / contain no-repeat url("${url}")`;
    } catch {
        return;
    }
    image.addEventListener("load", () => image.style.removeProperty("background"), { once: true });
}

for (const element of document.querySelectorAll("[data-thumbhash]")) {
    paint(element);
}
