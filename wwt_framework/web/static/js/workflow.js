// One workflow and its logs: keys `e` and `u`, copying, and the column one points at.

const TYPING = "input, textarea, select, [contenteditable], dialog[open] *";

function follow(link) {
  if (link) link.click();
}

/** `e` on a row goes to its logs; on a page of logs it goes to the text. */
function onLogs(event) {
  const link = event.target.querySelector("[data-logs]");
  const text = event.target.querySelector("pre");
  if (link) link.click();
  else text?.focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key !== "u" || event.target.closest?.(TYPING)) return;
  event.preventDefault();
  follow(document.querySelector("[data-up]"));
}

async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed here";
  }
  setTimeout(() => (button.textContent = before), 1500);
}

function startCopying() {
  if (!navigator.clipboard) return; // browsers lend it to https and to localhost only
  for (const button of document.querySelectorAll("[data-copy], [data-copy-text]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      copy(button, button.dataset.copy ?? button.closest("article").querySelector("pre").textContent);
    });
  }
}

/** Show which site the cell under the pointer or the focus belongs to. */
function startColumns(table) {
  let marked = [];
  const clear = () => {
    for (const cell of marked) cell.classList.remove("column-here");
    marked = [];
  };
  const show = (event) => {
    clear();
    const at = event.target.closest("td, th")?.cellIndex ?? 0;
    if (at < 2) return;
    marked = [...table.rows].map((row) => row.cells[at]).filter(Boolean);
    for (const cell of marked) cell.classList.add("column-here");
  };
  table.addEventListener("pointerover", show);
  table.addEventListener("focusin", show);
  table.addEventListener("pointerleave", clear);
  table.addEventListener("focusout", clear);
}

document.addEventListener("wwt:logs", onLogs);
document.addEventListener("keydown", onKey);
startCopying();
for (const table of document.querySelectorAll(".wf-matrix")) startColumns(table);
