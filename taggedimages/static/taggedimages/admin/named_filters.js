// Django's boxes that filter a list of choices have their names on a <span>, which may have none, and
// are not read out. An image may: so it is one.
window.addEventListener("load", () => {
  // After SelectFilter2.js, which makes them when the page is loaded.
  setTimeout(() => {
    for (const icon of document.querySelectorAll(".selector .help-tooltip[aria-label]")) {
      icon.setAttribute("role", "img");
      const input = document.getElementById(icon.closest("label")?.htmlFor);
      input?.setAttribute("aria-label", icon.getAttribute("aria-label"));
    }
  });
});
