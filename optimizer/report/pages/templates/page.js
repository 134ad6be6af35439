"use strict";
for (const form of document.querySelectorAll("form.filters")) {
  const table = document.getElementById("table-" + form.dataset.table);
  const rows = Array.from(table.tBodies[0].rows);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const values = rows.map((row) => Array.from(row.cells, (cell) => {
    const value = cell.querySelector(".value");
    return value ? value.textContent.split(", ") : [];
  }));
  const told = form.querySelector("output");
  const show = () => {
    const words = form.elements.text.value.toLowerCase().trim();
    const chosen = Array.from(form.querySelectorAll("select")).filter((one) => one.value);
    let count = 0;
    rows.forEach((row, k) => {
      const fits = texts[k].includes(words) && chosen.every((one) => values[k][one.dataset.column].includes(one.value));
      row.hidden = !fits;
      count += fits;
    });
    told.textContent = count === rows.length ? rows.length + " rows" : count + " of " + rows.length + " rows";
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
}
