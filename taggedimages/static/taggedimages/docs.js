// A file of its own, so that the page runs under a policy without inline scripts.
const page = document.getElementById("docs");
window.SwaggerUIBundle({ url: page.dataset.document, domNode: page, deepLinking: true });
