// The column of names: as wide as there is room for, and what still does not fit is cut in the middle.
// Both ends tell names apart; the whole name stays in the page, so that it is found, copied and read out.

const WIDEST = 640;
const TAIL = 12;

/** Give the names the room that no other column needs. */
function widen(table, box) {
  table.style.removeProperty("--names");
  const names = table.querySelector(".corner").offsetWidth;
  const { paddingLeft, paddingRight } = getComputedStyle(box.parentElement);
  const room = box.parentElement.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
  const free = Math.floor(room - table.offsetWidth - (box.offsetWidth - box.clientWidth));
  if (free > 0) table.style.setProperty("--names", `${Math.min(WIDEST, names + free)}px`);
}

function cut(rows) {
  const names = rows.map((row) => row.querySelector(".name")).filter(Boolean);
  names.forEach((name) => name.parentElement.querySelector(".tail")?.remove());
  const long = names.filter((name) => name.scrollWidth > name.clientWidth); // all are measured before any is changed
  for (const name of long) {
    const tail = document.createElement("a");
    tail.className = "tail";
    tail.href = name.href;
    tail.title = name.title;
    tail.tabIndex = -1;
    tail.setAttribute("aria-hidden", "true");
    tail.dataset.text = name.textContent.slice(-TAIL);
    name.after(tail);
  }
}

/** Fit the names of *table*, which scrolls in *box*; gives a function that fits new rows, or without any all of them. */
export function startNames(table, box) {
  const phone = window.matchMedia("(max-width: 720px)");
  const fit = (rows) => {
    if (phone.matches) return;
    if (!rows) widen(table, box);
    cut(rows ?? [...table.tBodies[0].rows]);
  };
  let timer = 0;
  window.addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(fit, 150);
  });
  return fit;
}
