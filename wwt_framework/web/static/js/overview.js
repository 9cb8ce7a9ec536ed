// The matrix: rows that unfold in place and come as one scrolls, pies, cards, a form that sends itself.
import { Card } from "./overview-card.js";
import { Samples } from "./overview-samples.js";
import { startPies } from "./overview-draw.js";
import { addressWith, part, patiently } from "./overview-fetch.js";
import { startNames } from "./overview-names.js";

const table = document.querySelector("[data-matrix]");
const box = document.querySelector("[data-box]");
const phone = window.matchMedia("(max-width: 720px)");
let watch = () => {};

const nameOf = (row) => decodeURIComponent(row.dataset.of.replaceAll("+", " "));
const levelOf = (row) => Number(row.dataset.level);
const foldOf = (row) => row.querySelector("[data-fold]");

async function rowsAt(changes) {
  const found = await part(addressWith(changes));
  if (!found) {
    location.reload();
    return null;
  }
  const { answer, page } = found;
  const rows = [...page.querySelectorAll("tbody > tr")].map((row) => document.adoptNode(row));
  return { rows, next: answer.headers.get("X-Next-Offset") };
}

// -- unfolding --

function below(row) {
  const found = [];
  for (let next = row.nextElementSibling; next && levelOf(next) > levelOf(row); next = next.nextElementSibling) found.push(next);
  return found;
}

function remember(names, isOpen) {
  const open = new URLSearchParams(location.search).getAll("open").filter((name) => !names.includes(name));
  history.replaceState(history.state, "", addressWith({ open: isOpen ? [...open, ...names] : open }));
}

function show(row, isOpen) {
  const link = foldOf(row);
  link.setAttribute("aria-expanded", String(isOpen));
  link.textContent = isOpen ? "▾" : "▸";
  link.setAttribute("aria-label", link.getAttribute("aria-label").replace(/^(un)?fold/, isOpen ? "fold" : "unfold"));
}

const isOpen = (row) => foldOf(row)?.getAttribute("aria-expanded") === "true";

function fold(row) {
  const gone = below(row);
  remember([row, ...gone.filter((other) => other.dataset.of)].map(nameOf), false);
  gone.forEach((other) => other.remove());
  show(row, false);
}

async function unfold(row) {
  if (row.dataset.busy) return;
  row.dataset.busy = "1";
  const found = await patiently(() => rowsAt({ part: "below", of: nameOf(row), offset: null }));
  delete row.dataset.busy;
  if (!found) return;
  row.after(...found.rows);
  show(row, true);
  remember([nameOf(row)], true);
  watch(found.rows);
}

function startFolding() {
  table.addEventListener("click", (event) => {
    const link = event.target.closest("[data-fold]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const row = link.closest("tr");
    if (isOpen(row)) fold(row);
    else unfold(row);
  });
  table.addEventListener("wwt:unfold", (event) => foldOf(event.target) && !isOpen(event.target) && unfold(event.target));
  table.addEventListener("wwt:fold", (event) => foldOf(event.target) && isOpen(event.target) && fold(event.target));
}

// -- more rows as one scrolls --

function startScrolling() {
  const more = document.querySelector("[data-more]");
  if (!more) return;
  let busy = false;
  const end = new IntersectionObserver(
    async ([entry]) => {
      if (!entry.isIntersecting || busy) return;
      busy = true;
      const found = await patiently(() => rowsAt({ part: "rows", offset: table.dataset.next }));
      busy = false;
      if (!found) return;
      table.tBodies[0].append(...found.rows);
      watch(found.rows);
      table.dataset.next = found.next ?? "";
      if (!found.next) {
        end.disconnect();
        more.remove();
        return;
      }
      more.querySelector("a").href = addressWith({ offset: found.next });
      end.unobserve(more); // it speaks again when it is seen again, also if it never went away
      end.observe(more);
    },
    { root: phone.matches ? null : box, rootMargin: "600px" },
  );
  end.observe(more);
}

// -- from cell to cell --

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function startArrows() {
  table.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell || event.ctrlKey || event.altKey || event.metaKey) return;
    let [column, row] = [cell.cellIndex, cell.parentElement];
    for (;;) {
      column += step[0];
      if (step[1]) row = step[1] > 0 ? row.nextElementSibling : row.previousElementSibling;
      const link = row?.cells[column]?.querySelector("a");
      if (!row?.cells[column]) return;
      if (!link) continue;
      event.preventDefault();
      link.focus();
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
      return;
    }
  });
}

// -- the form --

function startForm(form) {
  const send = () => form.requestSubmit();
  form.addEventListener("change", (event) => {
    const box = event.target.closest(".filter");
    if (box) box.dataset.changed = "1";
    else if (event.target.matches("select, [type=radio], [type=checkbox]")) send();
  });
  for (const filter of form.querySelectorAll(".filter")) {
    filter.addEventListener("toggle", () => {
      if (filter.open) form.querySelectorAll(".filter[open]").forEach((other) => (other.open = other === filter));
      else if (filter.dataset.changed) send();
    });
  }
  form.addEventListener("submit", () => {
    const wait = document.querySelector("[data-wait]");
    if (wait) wait.hidden = false;
    // Whatever is as it would be anyway stays out of the address.
    for (const field of form.elements) {
      const usual = { pievar: "errorcode", draw: "pies", rows: "prepid", sort: "errors", search: "", minimum: "" }[field.name];
      if (usual !== undefined && field.value === usual && (field.type !== "radio" || field.checked)) field.disabled = true;
    }
  });
  // Back from the history the fields would still be switched off.
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
}

const form = document.querySelector("[data-controls]");
if (form) startForm(form);
if (table) {
  const fit = startNames(table, box);
  watch = fit;
  if (table.classList.contains("draw-pies") && !phone.matches) {
    const draw = startPies(table, box);
    watch = (rows) => [fit, draw].forEach((call) => call(rows));
    document.querySelector("[data-legend]")?.removeAttribute("hidden");
  }
  fit(); // pies have made the columns narrower
  new Card(document.querySelector("[data-card]"), table);
  new Samples(document.querySelector("[data-samples]"), table.tHead);
  startFolding();
  startScrolling();
  startArrows();
}
