// Ticked rows: how many there are, a range with the shift key, and back to none.

const bar = document.querySelector("[data-act-bar]");
const boxes = () => [...document.querySelectorAll("[data-tick]")];
let last = null;

function show() {
  const count = boxes().filter((box) => box.checked).length;
  const words = count === 1 ? "row" : count ? `${count} rows` : "rows";
  const place = bar.querySelector("[data-ticked]");
  if (place.textContent !== words) place.textContent = words; // our own change is seen by the observer below, too
  bar.querySelector("[data-act-ticked]").disabled = count === 0;
  bar.querySelector("[data-untick]").hidden = count === 0;
  bar.classList.toggle("some", count > 0);
}

/** With shift: all between the box ticked before and this one become like it. */
function range(box) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (from < 0) return;
  for (const other of all.slice(from, to + 1)) if (other.name === box.name) other.checked = box.checked;
}

if (bar) {
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-tick]");
    if (!box) return;
    if (event.shiftKey && last) range(box);
    last = box;
    show();
  });
  bar.querySelector("[data-untick]").addEventListener("click", () => {
    for (const box of boxes()) box.checked = false;
    show();
  });
  // Rows that are put into the page later bring boxes of their own.
  new MutationObserver(show).observe(document.getElementById("main"), { childList: true, subtree: true });
  window.addEventListener("pageshow", show);
  show();
}
