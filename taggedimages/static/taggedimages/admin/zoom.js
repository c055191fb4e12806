// A picture that is looked at closely: zoomed by click, buttons, + - 0 and the wheel with Ctrl, moved
// by dragging and arrows. The whole file is loaded when it is first needed.

const STEP = 1.5;
const MOST = 16; // Of the size at which one pixel of the picture is one of the screen.
const ARROW_PX = 80;
const CLICK_PX = 4;
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const stage = document.getElementById("stage");
if (stage) {
  start(stage);
}

function start(stage) {
  const sheet = document.getElementById("sheet");
  const picture = document.getElementById("shown");
  const zoomed = document.getElementById("zoomed");
  // How much larger than fitted, and where the sheet's middle is off the stage's, in pixels.
  const view = { scale: 1, x: 0, y: 0 };
  const pointers = new Map();
  let moved = 0;

  // At which one pixel of the picture is one of the screen.
  function fullScale() {
    const pixels = Number(stage.dataset.width) || picture.naturalWidth;
    return pixels && picture.offsetWidth ? pixels / picture.offsetWidth : 1;
  }

  function draw() {
    const room = { x: slack(sheet.offsetWidth, stage.clientWidth), y: slack(sheet.offsetHeight, stage.clientHeight) };
    view.x = Math.min(Math.max(view.x, -room.x), room.x);
    view.y = Math.min(Math.max(view.y, -room.y), room.y);
    sheet.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    stage.classList.toggle("zoomed", view.scale !== 1);
    zoomed.textContent = view.scale === 1 ? "" : `${Math.round((view.scale / fullScale()) * 100)} %`;
  }

  function slack(length, place) {
    return Math.max((length * view.scale - place) / 2, 0);
  }

  // Zooms so that the point of the stage, in pixels from its middle, stays where it is.
  function zoom(scale, point = { x: 0, y: 0 }) {
    const most = Math.max(fullScale() * MOST, MOST);
    const next = Math.min(Math.max(scale, 1), most);
    view.x = point.x - ((point.x - view.x) * next) / view.scale;
    view.y = point.y - ((point.y - view.y) * next) / view.scale;
    view.scale = next;
    if (next > 1) {
      loadFull();
    }
    draw();
  }

  function loadFull() {
    const url = stage.dataset.full;
    delete stage.dataset.full;
    if (!url || url === picture.src) {
      return;
    }
    const full = new Image();
    stage.setAttribute("aria-busy", "true");
    full.src = url;
    full
      .decode()
      .then(() => {
        // Of the same size on the page, whatever its pixels.
        picture.style.width = `${picture.offsetWidth}px`;
        picture.style.height = `${picture.offsetHeight}px`;
        picture.src = url;
      })
      .catch(() => {}) // The preview stays.
      .finally(() => stage.removeAttribute("aria-busy"));
  }

  function from(event) {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  }

  const ways = {
    in: () => zoom(view.scale * STEP),
    out: () => zoom(view.scale / STEP),
    fit: () => zoom(1),
    full: () => zoom(fullScale()),
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) {
      return;
    }
    pointers.set(event.pointerId, event);
    moved = 0;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) {
      return;
    }
    const [x, y] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (pointers.size === 2) {
      const [other] = [...pointers.values()].filter((one) => one.pointerId !== event.pointerId);
      zoom((view.scale * apart(event, other)) / Math.max(apart(before, other), 1), from(other));
    } else if (view.scale > 1) {
      view.x += x;
      view.y += y;
      draw();
    }
    moved += Math.abs(x) + Math.abs(y);
    if (moved > CLICK_PX) {
      // Not before: a click would be the stage's and no longer the picture's.
      stage.setPointerCapture(event.pointerId);
    }
    pointers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
  stage.addEventListener("click", (event) => {
    if (moved > CLICK_PX) {
      return;
    }
    zoom(view.scale > 1 ? 1 : Math.max(fullScale(), 2), from(event));
  });
  stage.addEventListener("wheel", (event) => {
    if (event.ctrlKey) {
      event.preventDefault();
      zoom(view.scale * Math.exp(-event.deltaY / 200), from(event));
    }
  }, { passive: false });
  stage.addEventListener("dragstart", (event) => event.preventDefault());

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      return;
    }
    const way = { "+": "in", "=": "in", "-": "out", 0: "fit" }[event.key];
    if (way) {
      event.preventDefault();
      ways[way]();
    } else if (ARROWS[event.key] && event.target === stage && view.scale > 1) {
      event.preventDefault();
      view.x += ARROWS[event.key][0] * ARROW_PX;
      view.y += ARROWS[event.key][1] * ARROW_PX;
      draw();
    }
  });
  const buttons = document.getElementById("zoom");
  buttons.addEventListener("click", (event) => ways[event.target.dataset.zoom]?.());
  buttons.hidden = false;
  window.addEventListener("resize", draw);
}

function apart(one, other) {
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}

function isTyping(element) {
  return Boolean(element.closest?.("input, textarea, select, [contenteditable], dialog[open]"));
}
