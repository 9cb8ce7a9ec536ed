// Passkeys: the browser's own dialogue between two questions to the server. What goes wrong is told in words.

const prefix = document.documentElement.dataset.prefix ?? "";

/** POST *body* as JSON to *path*; gives what the server answers. Throws its sentence. */
async function ask(path, body, csrf) {
  const answer = await fetch(prefix + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error ?? `The server answered ${answer.status}.`);
  return said;
}

async function add(form) {
  const csrf = form.dataset.csrf;
  const options = await ask("/passkeys/options", {}, csrf);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  await ask("/passkeys/add", { credential: credential.toJSON(), label: form.querySelector("#label").value }, csrf);
  location.assign(`${prefix}/passkeys`);
}

async function enter(form) {
  const csrf = form.dataset.csrf;
  const options = await ask("/passkeys/challenge", {}, csrf);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey });
  await ask("/passkeys/enter", credential.toJSON(), csrf);
  location.assign(prefix + form.dataset.next);
}

function words(error) {
  if (error.name === "NotAllowedError") return "It was cancelled, took too long, or there is no passkey on this device.";
  if (error.name === "InvalidStateError") return "This device has a passkey for your account already.";
  return error.message;
}

function prepare(form, act) {
  const told = document.querySelector("[data-passkey-told]");
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
    told.textContent = "This browser can not do passkeys; a newer one can.";
    button.disabled = true;
    return;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    told.textContent = "";
    try {
      await act(form);
    } catch (error) {
      told.textContent = words(error);
      button.disabled = false;
    }
  });
}

for (const form of document.querySelectorAll("[data-passkey-add]")) prepare(form, add);
for (const form of document.querySelectorAll("[data-passkey-enter]")) prepare(form, enter);
