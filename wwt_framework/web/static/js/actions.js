// The form of an action: fields of the kind that is chosen, a preview that follows, reasons. It works without any of this.
import { sendOnce } from "./actions-once.js";
import { startReasons } from "./actions-reasons.js";

const PAUSE_MS = 500;
let form = document.querySelector("[data-act-form]");
const aside = document.querySelector("[data-live]");
let timer = 0;
let asked = 0;

/** A new key for each preview: what is queued is what was shown, not what was asked for after it. */
function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function post(step) {
  const data = new URLSearchParams(new FormData(form));
  data.set("step", step);
  const answer = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { answer, page };
}

function say(words) {
  const place = aside.querySelector("[data-live-words]");
  place.textContent = words;
  place.hidden = !words;
}

/** What the form comes to, as the server says it: the same preview as on its own page. */
async function look() {
  if (!form.querySelector("[data-kind]:checked")) return;
  const mine = ++asked;
  form.elements.draft.value = newId();
  say("Looking …");
  try {
    const { answer, page } = await post("preview");
    if (mine !== asked) return; // something newer is on its way
    const preview = page.querySelector("[data-preview]");
    const problems = page.querySelector("#problems");
    const shown = preview ?? problems;
    if (!shown) {
      say(`The server answered ${answer.status}: ${page.querySelector(".problem")?.textContent ?? "no preview"}`);
      return;
    }
    say("");
    aside.querySelector("[data-live-place]").replaceChildren(document.adoptNode(shown));
    aside.querySelectorAll("[data-once]").forEach(sendOnce);
    delete aside.dataset.old;
  } catch (error) {
    if (mine === asked) say(`The preview could not be loaded: ${error.message}`);
  }
}

/** What is shown is not what stands in the form any more: nothing can be queued until it is. */
function lookSoon() {
  aside.dataset.old = "1";
  aside.querySelectorAll("[data-submit]").forEach((button) => (button.disabled = true));
  asked += 1;
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
}

/** Another kind has other fields: the server draws them, with everything else as it was filled in. */
async function redraw() {
  const { page } = await post("draw");
  const drawn = page.querySelector("[data-act-form]");
  if (!drawn) {
    form.requestSubmit(form.querySelector("[data-redraw]"));
    return;
  }
  const name = form.querySelector("[data-kind]:checked")?.value;
  form.replaceWith(document.adoptNode(drawn));
  form = drawn;
  prepare();
  form.querySelector(`[data-kind][value="${CSS.escape(name ?? "")}"]`)?.focus();
  lookSoon();
}

function prepare() {
  form.classList.add("live");
  for (const place of form.querySelectorAll("[data-noscript]")) place.hidden = true;
  const button = form.querySelector("[data-preview-button]");
  if (button) {
    button.classList.add("quiet");
    button.textContent = "Preview on a page of its own";
  }
  startReasons(form, lookSoon);
  form.addEventListener("input", (event) => !event.target.matches("[data-kind]") && lookSoon());
  form.addEventListener("change", (event) => event.target.matches("[data-kind]") && redraw());
  // A radio that was chosen by mistake is cleared by a double click.
  form.addEventListener("dblclick", (event) => {
    const radio = event.target.closest("label")?.querySelector(".segments input[type=radio]");
    const none = radio?.closest(".segments").querySelector("[data-none]");
    if (!none || none.checked) return;
    none.checked = true;
    lookSoon();
  });
  form.addEventListener("submit", () => {
    asked += 1;
    clearTimeout(timer);
  });
}

aside.hidden = false;
prepare();
look();
