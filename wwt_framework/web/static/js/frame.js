// What works on every page: theme switch, times in the visitor's zone, ages that go on, keys.
import { startKeys } from "./keys.js";

const WORDS = { light: "Light", dark: "Dark", system: "System" };
const NEXT = { system: "light", light: "dark", dark: "system" };

function startThemeSwitch(button) {
  const remembered = () => {
    try {
      return localStorage.getItem("wwt-theme") ?? "system";
    } catch {
      return null;
    }
  };
  if (!button || remembered() === null) return;
  const show = () => {
    button.querySelector("[data-theme-word]").textContent = WORDS[remembered()] ?? WORDS.system;
  };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    const next = NEXT[remembered()] ?? "light";
    if (next === "system") localStorage.removeItem("wwt-theme");
    else localStorage.setItem("wwt-theme", next);
    window.dispatchEvent(new StorageEvent("storage", { key: "wwt-theme" }));
    show();
  });
}

/** The same words as the server's for *seconds* ago. */
export function ageWords(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return "now";
  if (minutes < 120) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${Math.floor(minutes / 1440)} days`;
}

function keepAges() {
  for (const place of document.querySelectorAll("[data-age]")) {
    const seconds = (Date.now() - Date.parse(place.dataset.age)) / 1000;
    if (seconds >= 60) place.textContent = `(${ageWords(seconds)})`;
  }
}

/** Give every time below *root* a title that says it in the visitor's own zone. */
export function localTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    const at = Date.parse(time.dateTime);
    if (!Number.isNaN(at)) time.title = format.format(at);
  }
}

function startMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

/** A page that says after how many seconds it wants to be drawn again, as long as somebody looks at it. */
function startRedraw() {
  const main = document.getElementById("main");
  const seconds = () => Number(main.querySelector("[data-redraw-seconds]")?.dataset.redrawSeconds);
  if (!seconds()) return;
  const redraw = async () => {
    if (document.hidden || document.querySelector("dialog[open]")) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = drawn.getElementById("main");
    if (!fresh) return;
    const focused = [...main.querySelectorAll("a, button, [data-row]")].indexOf(document.activeElement);
    main.replaceChildren(...fresh.childNodes);
    if (focused >= 0) main.querySelectorAll("a, button, [data-row]")[focused]?.focus({ preventScroll: true });
    const strip = drawn.querySelector(".strip");
    if (strip) document.querySelector(".strip")?.replaceWith(strip);
    localTimes(document);
    if (!seconds()) clearInterval(timer);
  };
  const timer = setInterval(() => redraw().catch(() => {}), seconds() * 1000); // no answer now: the next may come
}

startThemeSwitch(document.querySelector("[data-theme-switch]"));
startKeys();
startMenus();
startRedraw();
localTimes(document);
keepAges();
setInterval(keepAges, 30_000);
