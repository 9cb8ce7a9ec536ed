// Parts of a page: fetched, parsed, never trusted as markup of ours.

let waiting = 0;

/** Show the please-wait text while *work* goes on for longer than a blink; problems are told in it. */
export async function patiently(work) {
  const text = document.querySelector("[data-wait]");
  waiting += 1;
  const timer = setTimeout(() => text && say(text, "Please wait …"), 150);
  try {
    const found = await work();
    if (text && waiting === 1) text.hidden = true;
    return found;
  } catch (error) {
    if (text) say(text, `This could not be loaded: ${error.message}`);
    return null;
  } finally {
    clearTimeout(timer);
    waiting -= 1;
  }
}

function say(place, words) {
  place.textContent = words;
  place.hidden = false;
}

/** Whether *answer* is of another snapshot than this page: numbers of two must not stand side by side. */
export function isNewer(answer) {
  const version = answer.headers.get("X-Snapshot");
  return version !== null && version !== document.querySelector("[data-snapshot]")?.dataset.snapshot;
}

/** The document at *address*, and its answer; null when newer numbers have come. Throws with words when there is none. */
export async function part(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (isNewer(answer)) return null;
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
}

/** The address of this page with other parameters: a value, several values, or null to leave one out. */
export function addressWith(changes) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one !== null) params.append(name, one);
  }
  const query = params.toString();
  return location.pathname + (query ? `?${query}` : "");
}
