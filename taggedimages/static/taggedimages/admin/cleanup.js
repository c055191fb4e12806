// The clean-up list: one box ticks all rows of the page. All else are forms.

const every = document.getElementById("every");
const form = document.getElementById("findings");

if (every && form) {
    const boxes = [...form.querySelectorAll("input[name=row]")];
    const show = () => {
        const ticked = boxes.filter((box) => box.checked).length;
        every.checked = ticked === boxes.length;
        every.indeterminate = ticked > 0 && ticked < boxes.length;
    };
    every.closest("label").hidden = false;
    every.addEventListener("change", () => {
        for (const box of boxes) {
            box.checked = every.checked;
        }
    });
    form.addEventListener("change", (event) => {
        if (event.target.name === "row") {
            show();
        }
    });
    // The back button may bring ticks along.
    addEventListener("pageshow", show);
}
