// Says at once, in the field, when the second password is not the first one. The server checks it anyway.

function compare(again) {
  const first = document.getElementById(again.dataset.sameAs);
  const differs = again.value !== "" && again.value !== first.value;
  again.setCustomValidity(differs ? "The two passwords are not the same." : "");
}

for (const again of document.querySelectorAll("[data-same-as]")) {
  const first = document.getElementById(again.dataset.sameAs);
  for (const field of [first, again]) field.addEventListener("input", () => compare(again));
}
