// Reasons: as many rows as one needs, and a word at once when a short name is taken.

const plain = (text) => text.normalize("NFKC").trim().toLowerCase();

function bookOf(form) {
  const found = new Map();
  for (const box of form.querySelectorAll("[data-book-entry]")) {
    found.set(plain(box.value), box.closest("label").querySelector("[data-book-long]").textContent);
  }
  return found;
}

function check(row, book) {
  const old = book.get(plain(row.querySelector("[data-short]").value));
  const place = row.querySelector("[data-taken]");
  place.hidden = old === undefined;
  place.textContent = old === undefined ? "" : `This short name is in the book already; its text is used: ${old}`;
}

/** Rows that can be added and removed; *changed* is told of every change. */
export function startReasons(form, changed) {
  const place = form.querySelector("[data-new-reasons]");
  if (!place) return;
  const book = bookOf(form);
  let number = place.children.length;
  const prepare = (row) => {
    row.querySelector("[data-remove-reason]").hidden = false;
    check(row, book);
  };
  const blank = (row) => [...row.querySelectorAll("input, textarea")].every((field) => !field.value);
  while (place.children.length > 1 && blank(place.lastElementChild)) place.lastElementChild.remove();
  for (const row of place.children) prepare(row);
  const add = form.querySelector("[data-add-reason]");
  add.hidden = false;
  add.addEventListener("click", () => {
    number += 1;
    const row = place.lastElementChild.cloneNode(true);
    row.querySelector("[data-short]").name = `shortreason${number}`;
    row.querySelector("[data-long]").name = `longreason${number}`;
    for (const field of row.querySelectorAll("input, textarea")) field.value = "";
    place.append(row);
    prepare(row);
    row.querySelector("[data-short]").focus();
  });
  place.addEventListener("input", (event) => check(event.target.closest("[data-new-reason]"), book));
  place.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-reason]");
    if (!button) return;
    const row = button.closest("[data-new-reason]");
    if (place.children.length > 1) row.remove();
    else for (const field of row.querySelectorAll("input, textarea")) field.value = "";
    changed();
  });
}
