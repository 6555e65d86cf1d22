/* Light or dark as the person chose; without a choice (or without this script) as the device says.
   One choice for the pages and the admin, whose theme looks at the class "dark". */
(() => {
  "use strict";
  const root = document.documentElement;
  const device = matchMedia("(prefers-color-scheme: dark)");
  let choice = "auto";
  try {
    choice = localStorage.getItem("theme") ?? "auto";
  } catch {
    /* storage is switched off */
  }

  const show = () => {
    const chosen = choice === "light" || choice === "dark";
    if (chosen) root.dataset.theme = choice;
    else delete root.dataset.theme;
    root.classList.toggle("dark", chosen ? choice === "dark" : device.matches);
    for (const each of document.querySelectorAll("[data-theme-choice]"))
      each.setAttribute("aria-pressed", String(each.dataset.themeChoice === (chosen ? choice : "auto")));
  };
  const choose = (event) => {
    choice = event.currentTarget.dataset.themeChoice;
    try {
      localStorage.setItem("theme", choice);
    } catch {
      /* the choice then lasts for this page */
    }
    show();
  };

  show();
  device.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    for (const each of document.querySelectorAll("[data-theme-choice]"))
      each.addEventListener("click", choose);
    for (const each of document.querySelectorAll(".shell-theme")) each.hidden = false;
    show();
  });
})();
