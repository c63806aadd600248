// Menus that open beside what was pressed: one at a time, by mouse or arrow keys, gone with Escape or a click elsewhere.

import { h } from "./dom.js";

let open = null;

export function closeMenu() {
  open?.close();
}

export const menuIsOpen = () => open !== null;

/** Places `box` beside `anchor`, inside the window. */
export function place(box, anchor, above) {
  const at = anchor.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const roomBelow = innerHeight - at.bottom;
  const up = above ? at.top > size.height + 8 : roomBelow < size.height + 8 && at.top > roomBelow;
  const top = up ? at.top - size.height - 4 : at.bottom + 4;
  const left = Math.min(Math.max(8, at.left), innerWidth - size.width - 8);
  box.style.top = `${Math.max(8, Math.min(top, innerHeight - size.height - 8))}px`;
  box.style.left = `${left}px`;
}

/** Opens `box` beside `anchor`. Focus goes into it, and back when it closes. */
export function popover(anchor, box, { above = false, onclose } = {}) {
  closeMenu();
  box.classList.add("popover");
  const before = document.activeElement;
  (anchor.closest("[role=dialog]") || document.body).append(box);
  place(box, anchor, above);
  anchor.setAttribute("aria-expanded", "true");
  const outside = (event) => !box.contains(event.target) && !anchor.contains(event.target) && close(false);
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.preventDefault();
    close();
  };
  function close(back = true) {
    if (open?.box !== box) return;
    open = null;
    box.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("keydown", escape, true);
    if (back) (anchor.isConnected ? anchor : before)?.focus?.({ preventScroll: true });
    onclose?.();
  }
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("keydown", escape, true);
  open = { box, close };
  return close;
}

/** `entries` are `{label, hint, danger, chosen, act}`, null for a line between, or `{title}` for a heading. */
export function menu(anchor, label, entries, options = {}) {
  const items = [];
  const box = h("div", { class: "menu", role: "menu", "aria-label": label });
  for (const entry of entries) {
    if (!entry) box.append(h("hr", { role: "separator" }));
    else if (entry.title) box.append(h("div", { class: "menu-title", role: "presentation" }, entry.title));
    else {
      const item = h(
        "button",
        {
          type: "button",
          role: entry.chosen === undefined ? "menuitem" : "menuitemradio",
          class: entry.danger ? "danger" : "",
          tabIndex: -1,
          onclick() {
            close();
            entry.act();
          },
        },
        entry.face,
        h("span", { class: "menu-label" }, entry.label),
        entry.hint && h("span", { class: "menu-hint" }, entry.hint),
      );
      if (entry.chosen !== undefined) item.setAttribute("aria-checked", String(entry.chosen));
      items.push(item);
      box.append(item);
    }
  }
  box.addEventListener("keydown", (event) => move(event, items));
  const close = popover(anchor, box, options);
  items[0]?.focus({ preventScroll: true });
}

/** Arrow keys, Home and End walk through `items`. */
export function move(event, items, across = 1) {
  const step = { ArrowDown: across, ArrowUp: -across, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const at = items.indexOf(document.activeElement);
  let to = null;
  if (step) to = Math.abs(step) === 1 ? (at + step + items.length) % items.length : Math.min(Math.max(at + step, 0), items.length - 1);
  if (event.key === "Home") to = 0;
  if (event.key === "End") to = items.length - 1;
  if (event.key === "Tab") return closeMenu();
  if (to === null) return undefined;
  event.preventDefault();
  event.stopPropagation();
  items[to]?.focus({ preventScroll: false });
  return undefined;
}
