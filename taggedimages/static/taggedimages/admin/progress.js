// Follows a change that is being planned or applied, and shows its page anew once that is over.

const EVERY_MS = 2_000;
const section = document.getElementById("progress");
const bar = section.querySelector("progress");
const text = document.getElementById("progress-text");

// Read out at each quarter: every two seconds would be a chatter.
const said = document.createElement("p");
said.className = "visually-hidden";
said.setAttribute("role", "status");
section.append(said);
let quarter = bar.max ? Math.floor((4 * bar.value) / bar.max) : 0;

function show(now) {
  if (now.state !== "applying") {
    text.textContent = now.says;
    return;
  }
  bar.max = Math.max(now.of, 1);
  bar.value = now.done;
  text.textContent = now.done ? now.progress : `${now.says} ${now.progress}`;
  const reached = Math.floor((4 * now.done) / Math.max(now.of, 1));
  if (reached !== quarter) {
    quarter = reached;
    said.textContent = now.progress;
  }
}

async function look() {
  try {
    const response = await fetch(section.dataset.url, {
      headers: { Accept: "application/json" },
      redirect: "error",
    });
    if (response.ok) {
      const now = await response.json();
      if (now.state !== section.dataset.state) {
        window.location.reload();
        return;
      }
      show(now);
    }
  } catch {
    // The server is away, or one is logged out: the link below the bar says which.
  }
  window.setTimeout(look, EVERY_MS);
}

window.setTimeout(look, EVERY_MS);
