// What jobs of a column said, in a card on hover and on focus of its header. Screen readers hear it by aria-describedby.

export class Samples {
  constructor(card, head) {
    this.card = card;
    this.column = null;
    for (const [start, end] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
      head.addEventListener(start, (event) => this.over(event.target.closest("th.column")));
      head.addEventListener(end, (event) => {
        if (!this.column?.contains(event.relatedTarget)) this.hide();
      });
    }
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
  }

  over(column) {
    if (!column || column === this.column) return;
    this.hide();
    const id = column.querySelector("[aria-describedby]")?.getAttribute("aria-describedby");
    const told = id && document.getElementById(id);
    if (!told) return;
    this.column = column;
    this.card.replaceChildren(...[...told.cloneNode(true).childNodes]);
    this.card.hidden = false;
    const at = column.getBoundingClientRect();
    const { width } = this.card.getBoundingClientRect();
    this.card.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
    this.card.style.top = `${at.bottom + 4}px`;
  }

  hide() {
    this.column = null;
    this.card.hidden = true;
  }
}
