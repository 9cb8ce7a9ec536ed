// Runs before the first paint, so that nobody is blinded: sets the remembered or the system's theme.
// A classic script in the head on purpose: a module would run after the page was drawn.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => {
    try {
      return window.localStorage.getItem("wwt-theme");
    } catch {
      return null; // storage may be switched off; the system's theme will do
    }
  };
  const apply = () => {
    const theme = remembered() ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    document.dispatchEvent(new CustomEvent("wwt:theme", { detail: theme }));
  };
  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
})();
