/* The search that Ctrl-K opens. It asks the search page for its list and shows it while one types. */
(() => {
  "use strict";
  const WAIT_MS = 150;
  const palette = document.getElementById("palette");
  if (!palette) return;
  const field = palette.querySelector("input");
  const found = document.getElementById("palette-found");
  let timer = 0;
  let asked = null;

  const links = () => [...found.querySelectorAll("a[href]")];
  const mark = (link) => {
    for (const each of links()) each.classList.toggle("chosen", each === link);
    link?.scrollIntoView({ block: "nearest" });
  };
  const chosen = () => found.querySelector("a.chosen");
  const move = (step) => {
    const all = links();
    if (!all.length) return;
    const place = all.indexOf(chosen());
    mark(all[(place + step + all.length) % all.length]);
  };

  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    if (!field.value.trim()) {
      found.replaceChildren();
      return;
    }
    const address = `/search?${new URLSearchParams({ q: field.value, part: "list" })}`;
    try {
      const answer = await fetch(address, { signal: asked.signal });
      if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
      found.innerHTML = await answer.text(); // made and escaped by our own template
      mark(links()[0]);
    } catch (error) {
      if (error.name === "AbortError") return;
      found.textContent = "The search does not answer now.";
    }
  };

  const open = (event) => {
    event?.preventDefault();
    if (!palette.open) palette.showModal();
    field.focus();
    field.select();
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") open(event);
  });
  for (const each of document.querySelectorAll("a[data-palette]")) each.addEventListener("click", open);
  field.addEventListener("input", () => {
    mark(); // what is shown was found for other words: Enter then searches for these
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return; // Enter ends the input of a character
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      location.assign(chosen().href);
    }
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette) palette.close(); // beside the box
  });
  palette.querySelector("button").addEventListener("click", () => palette.close());
})();

/* A form is sent once: a second press while the first is on its way does nothing. */
(() => {
  "use strict";
  const AGAIN_AFTER_MS = 10_000; // where the answer is a download, the page stays
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, AGAIN_AFTER_MS);
  });
  addEventListener("pageshow", () => {
    for (const each of document.querySelectorAll("form[data-sent]")) delete each.dataset.sent;
  });
})();
