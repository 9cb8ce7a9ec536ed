// Pies over the numbers: one canvas for each row that can be seen, drawn once.

const RADIUS = 12;
const SHOWN_RANKS = 8;

let colours = [];
let places = null; // where the columns are; all rows have them at the same places

function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours = Array.from({ length: SHOWN_RANKS }, (_, i) => style.getPropertyValue(`--rank-${i + 1}`).trim());
  colours.push(style.getPropertyValue("--rank-other").trim());
}

/** The parts of a cell: [[rank, failed jobs], ...]; rank -1 is all that is not told one by one. */
export function partsOf(link) {
  return link.dataset.s
    .split(" ")
    .filter(Boolean)
    .map((text) => text.split("."))
    .map(([rank, count]) => [rank === "x" ? -1 : Number(rank), Number(count)]);
}

/** The colour of a rank; grey for all beyond the palette. */
export function colourOf(rank) {
  if (!colours.length) readColours();
  return colours[rank >= 0 && rank < SHOWN_RANKS ? rank : SHOWN_RANKS];
}

/** What is grey anyway is one slice: between many of them their edges would show. */
function slices(parts) {
  const coloured = parts.filter(([rank]) => rank >= 0 && rank < SHOWN_RANKS);
  const grey = parts.filter(([rank]) => rank < 0 || rank >= SHOWN_RANKS).reduce((sum, [, count]) => sum + count, 0);
  return grey ? [...coloured, [-1, grey]] : coloured;
}

function pie(context, x, y, parts) {
  const total = parts.reduce((sum, [, count]) => sum + count, 0);
  if (!total) return;
  const radius = Math.max(1.5, (RADIUS * total) / (total + 10));
  let angle = -Math.PI / 2;
  for (const [rank, count] of parts) {
    const next = angle + (2 * Math.PI * count) / total;
    context.fillStyle = colourOf(rank);
    context.beginPath();
    if (count < total) context.moveTo(x, y);
    context.arc(x, y, radius, angle, next);
    context.fill();
    angle = next;
  }
}

/** Measured once, not for each row: every canvas that is put in would make the browser lay out the whole table anew. */
function measure(row) {
  const cells = [...row.cells].slice(2);
  const start = cells[0].getBoundingClientRect().left + cells[0].clientLeft;
  const rects = cells.map((cell) => cell.getBoundingClientRect());
  return {
    width: rects.at(-1).right - start,
    height: cells[0].clientHeight,
    middles: rects.map(({ left, width }) => left - start + width / 2),
  };
}

function draw(row) {
  if (row.querySelector("canvas") || row.cells.length < 3 || row.cells[2].colSpan > 1) return;
  places ??= measure(row);
  const { width, height, middles } = places;
  const scale = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  for (const link of row.querySelectorAll("a[data-s]")) {
    pie(context, middles[link.parentElement.cellIndex - 2], height / 2, slices(partsOf(link)));
  }
  row.cells[2].append(canvas);
}

/** Draw pies into *table* as its rows come into view in *box*; gives a function that is told of new rows. */
export function startPies(table, box) {
  readColours();
  table.classList.add("drawn");
  const near = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) draw(target);
        else target.querySelector("canvas")?.remove();
      }
    },
    { root: box, rootMargin: "300px 0px" },
  );
  const watch = (rows) => rows.forEach((row) => near.observe(row));
  const again = () => {
    readColours();
    places = null;
    table.querySelectorAll("canvas").forEach((canvas) => canvas.remove());
    near.disconnect();
    watch([...table.tBodies[0].rows]);
  };
  document.addEventListener("wwt:theme", again);
  new ResizeObserver(debounced(again, 150)).observe(box);
  return watch;
}

function debounced(call, wait) {
  let timer = 0;
  let first = true; // an observer speaks at once when it starts
  return () => {
    if (first) {
      first = false;
      call();
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(call, wait);
  };
}
