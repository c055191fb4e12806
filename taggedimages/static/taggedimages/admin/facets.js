/* The tags of what was found, with their counts: fetched after the page, which need not wait. */

const side = document.getElementById("facets");

async function count() {
    const asked = new URL(side.dataset.url, location.href);
    asked.searchParams.set("fragment", "1");
    const answer = await fetch(asked, { credentials: "same-origin" });
    if (!answer.ok) {
        // The link stays, and leads to a page that says why.
        return;
    }
    const read = new DOMParser().parseFromString(await answer.text(), "text/html");
    side.querySelector("p").replaceWith(...read.body.childNodes);
}

if (side) {
    count().catch(() => {});
}
