// The list of prep ids: unfolds and grows in place.
import { part, patiently } from "./overview-fetch.js";

async function show(link) {
  const address = new URL(link.href);
  const row = link.closest("tr")?.dataset.of;
  const wanted = new URL(address);
  wanted.searchParams.set("part", "rows");
  const found = await patiently(() => part(wanted));
  const list = found?.page.querySelector("[data-preps]");
  if (!list) {
    location.assign(address);
    return;
  }
  document.querySelector("[data-preps]").replaceWith(document.adoptNode(list));
  history.replaceState(history.state, "", address);
  const same = row && list.querySelector(`tr[data-of="${CSS.escape(row)}"] [data-fold]`);
  (same || list.querySelector("[data-more]") || list.querySelector("[data-row] a"))?.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-preps] [data-row]");
  const inside = event.target.closest("a, button");
  const link = inside ? event.target.closest("[data-fold], [data-more]") : row?.querySelector("[data-fold]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link);
});
for (const [name, wanted] of [["wwt:unfold", "false"], ["wwt:fold", "true"]]) {
  document.addEventListener(name, (event) => {
    const link = event.target.querySelector?.("[data-preps] [data-fold], [data-fold]");
    if (link?.getAttribute("aria-expanded") === wanted) show(link);
  });
}
