/* Light or dark as the person chose; without a choice (or without this script) as the device says. */
(() => {
  "use strict";
  const root = document.documentElement;
  const kept = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off
    }
  };
  const keep = (theme) => {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      /* the choice then lasts for this page */
    }
  };
  const device = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ?? (device.matches ? "dark" : "light")) === "dark";

  const chosen = kept();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const tell = () => button.setAttribute("aria-pressed", String(dark()));
    button.hidden = false;
    tell();
    device.addEventListener("change", tell);
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      keep(root.dataset.theme);
      tell();
    });
  });
})();
