// Sorts and filters the tables; the page reads as well without.
"use strict";
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const rows = () => [...table.tBodies];
  const value = (body, key) => {
    const cell = body.querySelector(`.measured [data-key="${key}"], .published [data-key="${key}"]`);
    return cell && cell.dataset.sort !== "" ? Number(cell.dataset.sort) : -Infinity;
  };
  for (const head of table.querySelectorAll("th[data-key]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = head.dataset.key;
      const sorted = rows().sort((a, b) => (value(a, key) - value(b, key)) * (down ? -1 : 1));
      table.append(...sorted);
    });
  }
  const tools = document.createElement("p");
  const label = document.createElement("label");
  const input = document.createElement("input");
  tools.className = "tools";
  input.type = "search";
  label.append("Filter rows: ", input);
  tools.append(label);
  table.parentElement.before(tools);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const body of rows()) {
      body.hidden = !body.querySelector("th").textContent.toLowerCase().includes(wanted);
    }
  });
}
