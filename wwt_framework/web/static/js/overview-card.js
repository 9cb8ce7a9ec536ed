// What a cell is made of, as a small table: on hover and on focus.
import { colourOf, partsOf } from "./overview-draw.js";
import { isNewer } from "./overview-fetch.js";

const format = new Intl.NumberFormat("en", { useGrouping: true });
const number = (value) => format.format(value).replaceAll(",", "\u202f");

function node(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** A long name without its middle: both ends tell names apart. */
const cut = (text) => (text.length > 66 ? `${text.slice(0, 32)}…${text.slice(-33)}` : text);

function line(label, count, rank) {
  const row = node("tr");
  const head = node("th");
  head.scope = "row";
  if (rank !== undefined) {
    const swatch = node("span", "", "swatch");
    swatch.style.backgroundColor = colourOf(rank);
    swatch.setAttribute("aria-hidden", "true");
    head.append(swatch);
  }
  head.append(cut(label));
  row.append(head, node("td", number(count)));
  return row;
}

/** The rows of the split: [label, failed jobs, rank]. */
function linesOf(link, labels) {
  const lines = [];
  let rest = 0;
  for (const [rank, count] of partsOf(link)) {
    if (rank >= 0 && labels[rank] !== undefined) lines.push([labels[rank], count, rank]);
    else rest += count;
  }
  return rest ? [...lines, ["others", rest, -1]] : lines;
}

export class Card {
  constructor(card, table) {
    this.card = card;
    this.table = table;
    this.labels = JSON.parse(table.dataset.vocabulary);
    this.byTask = table.dataset.split === "task";
    this.known = new Map();
    this.link = null;
    for (const [start, end] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
      table.addEventListener(start, (event) => this.over(event.target.closest("a[data-s]")));
      table.addEventListener(end, (event) => {
        if (event.target.closest("a[data-s]") === this.link) this.hide();
      });
    }
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
    table.parentElement.addEventListener("scroll", () => this.link && this.put(), { passive: true });
  }

  over(link) {
    if (!link || link === this.link) return;
    this.hide();
    this.link = link;
    this.fill(linesOf(link, this.labels));
    if (this.byTask && link.dataset.s) this.ask(link);
  }

  /** Tasks are too many to be on the page: the largest of a cell are asked for. */
  async ask(link) {
    const row = link.closest("tr");
    const column = link.parentElement.dataset.c;
    const params = new URLSearchParams(location.search);
    for (const name of ["part", "open", "offset", "code"]) params.delete(name);
    params.set("part", "cell");
    params.set("code", decodeURIComponent(row.dataset.of));
    params.set("column", column);
    const address = `${location.pathname}?${params}`;
    if (!this.known.has(address)) {
      await new Promise((done) => setTimeout(done, 90));
      if (this.link !== link) return;
      const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
      if (!answer?.ok || isNewer(answer)) return; // what is shown already is right, only coarser
      this.known.set(address, await answer.json());
    }
    if (this.link !== link) return;
    const told = this.known.get(address);
    const rest = partsOf(link).reduce((sum, [, n]) => sum + n, 0) - told.reduce((sum, [, n]) => sum + n, 0);
    const lines = told.map(([task, count]) => [task, count, this.labels.indexOf(task)]);
    this.fill(rest > 0 ? [...lines, ["others", rest, -1]] : lines);
  }

  fill(lines) {
    const link = this.link;
    const row = link.closest("tr");
    const name = row.querySelector(".name");
    const table = node("table");
    const body = node("tbody");
    body.append(...lines.map(([label, count, rank]) => line(label, count, rank)));
    const foot = node("tfoot");
    foot.append(line("failed jobs", partsOf(link).reduce((sum, [, count]) => sum + count, 0)));
    table.append(body, foot);
    const head = node("p");
    head.append(node("strong", name.title || name.textContent), ` · ${link.parentElement.dataset.c}`);
    this.card.replaceChildren(head, table);
    this.card.hidden = false;
    link.setAttribute("aria-describedby", this.card.id);
    this.put();
  }

  /** Below the cell, or above it, or wherever there is room. */
  put() {
    const at = this.link.getBoundingClientRect();
    const { width, height } = this.card.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, window.innerWidth - width - 8));
    const below = at.bottom + 4;
    const top = below + height < window.innerHeight ? below : Math.max(8, at.top - height - 4);
    this.card.style.left = `${left}px`;
    this.card.style.top = `${top}px`;
  }

  hide() {
    this.link?.removeAttribute("aria-describedby");
    this.link = null;
    this.card.hidden = true;
  }
}
