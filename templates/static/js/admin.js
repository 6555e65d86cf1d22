/* Names for screen readers where the theme's forms have none: fields in table cells are named by
   their column, the search of a long choice and signs by what stands beside them. */
(() => {
  "use strict";
  const FIELDS = "input:not([type=hidden]):not([type=submit]), select, textarea";
  const named = (each) => each.labels?.length || each.ariaLabel || each.getAttribute("aria-labelledby");

  const headingOf = (cell) => {
    const row = cell.closest("table")?.tHead?.rows[0];
    return (cell.dataset.label || row?.cells[cell.cellIndex]?.textContent || "").trim();
  };
  const nameFields = (root) => {
    for (const cell of root.querySelectorAll("td, tbody th"))
      for (const each of cell.querySelectorAll(FIELDS))
        if (!named(each)) each.ariaLabel = headingOf(cell) || each.title || each.name;
    for (const each of root.querySelectorAll("select.select2-hidden-accessible")) {
      const label = each.labels[0]?.textContent.replace("*", "").trim();
      const shown = each.nextElementSibling?.querySelectorAll("[role=combobox], [role=textbox]") ?? [];
      for (const part of shown) part.ariaLabel = label || each.ariaLabel || each.name;
    }
    for (const each of root.querySelectorAll("span[aria-label]:not([role])"))
      each.setAttribute("role", "img");
  };

  const nameAll = () => setTimeout(() => nameFields(document)); // after the theme's own set-up
  document.addEventListener("DOMContentLoaded", nameAll);
  addEventListener("load", nameAll);
  document.addEventListener("formset:added", (event) => nameFields(event.target));
})();
