/* What the parts of the kit add where scripts run: htmx without eval, inline styles or a stored
   copy of pages, answers of 400 shown like others, and the copy buttons. */
(() => {
  "use strict";
  const showButtons = (root) => {
    if (!navigator.clipboard) return; // without HTTPS the text can only be selected
    for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };
  if (window.htmx) {
    Object.assign(htmx.config, {
      allowEval: false,
      allowScriptTags: false,
      includeIndicatorStyles: false,
      historyCacheSize: 0,
      refreshOnHistoryMiss: true,
      selfRequestsOnly: true,
      responseHandling: [
        { code: "204", swap: false },
        { code: "[23]..", swap: true },
        { code: "400", swap: true },
        { code: "[45]..", swap: false, error: true },
      ],
    });
    document.addEventListener("htmx:afterSwap", (event) => showButtons(event.target));
    /* A page that is not the one asked for, such as the sign-in, is loaded whole. */
    document.addEventListener("htmx:beforeSwap", (event) => {
      const { xhr, requestConfig } = event.detail;
      const asked = new URL(requestConfig.path, location.href).pathname;
      const came = xhr.responseURL ? new URL(xhr.responseURL).pathname : asked;
      if (came !== asked || xhr.status > 400) {
        event.detail.shouldSwap = false;
        location.assign(came === asked ? requestConfig.path : xhr.responseURL);
      }
    });
  }
  /* One key without a modifier, where nothing is being written: opens what bears it. */
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select"))
      return;
    const named = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (named) named.click();
  });
  document.addEventListener("DOMContentLoaded", () => showButtons(document));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const text = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = text), 2000);
  });
})();
