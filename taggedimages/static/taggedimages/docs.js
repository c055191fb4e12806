// A file of its own, so that the page runs under a policy without inline scripts.
window.SwaggerUIBundle({
  urls: JSON.parse(document.getElementById("documents").textContent),
  domNode: document.getElementById("docs"),
  presets: [window.SwaggerUIBundle.presets.apis, window.SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
  deepLinking: true,
});
