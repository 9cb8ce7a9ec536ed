// Keys that work on every page. Pages with rows mark them with data-row; one of them is the current one.

const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
let waitingForGo = 0;

function openKeys() {
  const dialog = document.getElementById("keys");
  if (dialog && !dialog.open) dialog.showModal();
}

function rows() {
  return [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
}

function current(all) {
  const focused = document.activeElement?.closest("[data-row]");
  return all.indexOf(focused ?? document.querySelector("[data-row].current"));
}

/** Make *row* the one that keys act on. */
export function choose(row) {
  for (const other of document.querySelectorAll("[data-row].current")) other.classList.remove("current");
  row.classList.add("current");
  if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  if (!all.length) return false;
  const at = current(all);
  choose(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
  return true;
}

/** Tell the page about a key on the current row; a page that has no answer of its own follows the row's first link. */
function onRow(name) {
  const all = rows();
  const row = all[current(all)];
  if (!row) return false;
  const event = new CustomEvent(`wwt:${name}`, { bubbles: true, cancelable: true });
  const unanswered = row.dispatchEvent(event);
  if (name === "select" && unanswered) row.querySelector("[data-tick]")?.click();
  if (name === "open" && unanswered) (row.querySelector("[data-open]") ?? row.querySelector("a"))?.click();
  return true;
}

/** Act on the ticked rows; where none is ticked on the current row, or on what the page is about. */
function act() {
  const ticked = document.querySelector("[data-tick]:checked[form=act-form]");
  const link = ticked ? null : document.querySelector("[data-act]");
  if (!ticked && !link) document.querySelector("[data-row].current [data-tick]")?.click();
  const target = link ?? document.querySelector("[data-act-ticked]:enabled");
  target?.click();
  return Boolean(target);
}

/** The box of similar workflows: on this page, or on that of the current row. */
function similar() {
  const box = document.getElementById("similar");
  if (box) {
    box.scrollIntoView({ block: "start" });
    box.focus({ preventScroll: true });
    return true;
  }
  const all = rows();
  const link = all[current(all)]?.querySelector('a[href*="/seeworkflow?"]');
  if (link) location.assign(`${link.href.split("#")[0]}#similar`);
  return Boolean(link);
}

function go(key) {
  const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
  if (link) location.assign(link.href);
  return Boolean(link);
}

const ANSWERS = {
  "/": () => {
    const box = document.querySelector("[data-jump]");
    box?.focus();
    box?.select();
    return Boolean(box);
  },
  "?": () => (openKeys(), true),
  j: () => step(1),
  k: () => step(-1),
  l: () => onRow("unfold"),
  h: () => onRow("fold"),
  e: () => onRow("logs"),
  x: () => onRow("select"),
  s: similar,
  a: act,
  g: () => ((waitingForGo = Date.now()), true),
};

function answer(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest?.(TYPING) || document.querySelector("dialog[open]")) return;
  const going = Date.now() - waitingForGo < 1500;
  waitingForGo = 0;
  if (going && event.key.length === 1 && go(event.key)) {
    event.preventDefault();
    return;
  }
  const onARow = event.key === "Enter" && event.target.matches?.("[data-row]");
  if (onARow ? onRow("open") : ANSWERS[event.key]?.()) event.preventDefault();
}

/** Listen for keys, and show the button that lists them. */
export function startKeys() {
  document.addEventListener("keydown", answer);
  const button = document.querySelector("[data-keys-button]");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", openKeys);
  }
}
